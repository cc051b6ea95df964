/** `npm run build`: the service as JavaScript in `dist`, the page in `dist/page`, the SDK's package in `src/client/dist`. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build as buildPage } from 'vite';
import { buildClient } from './build-client.ts';
import { compile } from './compile.ts';

const root = join(import.meta.dirname, '..');
const output = join(root, 'dist');

export async function build(): Promise<void> {
  rmSync(output, { recursive: true, force: true });
  compile(join(root, 'tsconfig.build.json'), output);
  await buildPage({
    root: join(root, 'client-demo'),
    logLevel: 'error',
    build: { outDir: join(output, 'page'), emptyOutDir: true },
  });
  await buildClient();
}

if (import.meta.main) await build();
