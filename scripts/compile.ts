/** Runs the TypeScript compiler of this project, and mends what it leaves in declarations. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const compiler = join(import.meta.dirname, '../node_modules/.bin/tsc');

/**
 * @param project a tsconfig, or the folder of one
 * @param output where it writes, so that the declarations there can be mended
 */
export function compile(project: string, output: string): void {
  execFileSync(compiler, ['-p', project], { stdio: 'inherit', shell: process.platform === 'win32' });
  for (const file of globSync(join(output, '**/*.d.ts'))) {
    // The compiler rewrites `.ts` to `.js` in what it emits, but not in declarations; every resolver knows `.js`.
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(/((?:from|import\()\s*['"]\.[^'"]+)\.ts(['"])/g, '$1.js$2'));
  }
}
