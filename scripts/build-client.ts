/**
 * Builds the browser SDK as the package `glimpse-client`, into `src/client/dist`: one ES module, and declarations that name
 * no other package. The wire's types are inferred from zod schemas; the compiler writes them out in full here.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'vite';
import { compile } from './compile.ts';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src/client');
const output = join(source, 'dist');
const WIRE_TYPES = ['ClientMessage', 'ErrorCode', 'GenerationRequest', 'InputBody', 'ProtocolVersion', 'ServerMessage'];

/** The compiler writes a mapped type over a known type out member by member. */
const EXPAND = `type Expand<T> = T extends readonly (infer Item)[] ? Expand<Item>[] : T extends object ? { [Key in keyof T]: Expand<T[Key]> } : T;
const of = <T>() => undefined as unknown as Expand<T>;
`;

export async function buildClient(): Promise<void> {
  rmSync(output, { recursive: true, force: true });
  await build({
    configFile: false,
    root: source,
    logLevel: 'error',
    build: {
      target: 'es2022',
      minify: false,
      lib: { entry: join(source, 'index.ts'), formats: ['es'], fileName: 'index' },
      outDir: output,
    },
  });
  // In the checkout, so that packages are found from there.
  const folder = mkdtempSync(join(source, 'declarations-'));
  try {
    writeDeclarations(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeDeclarations(folder: string): void {
  const lines = WIRE_TYPES.map((name) => `export const ${name} = of<wire.${name}>();`);
  writeFileSync(
    join(folder, 'expanded.ts'),
    `import type * as wire from '../wire.ts';\n${EXPAND}${lines.join('\n')}\n`,
  );
  const config = {
    extends: '../../../tsconfig.build.json',
    compilerOptions: { rootDir: '../../..', outDir: 'out', emitDeclarationOnly: true },
    include: [],
    files: ['../index.ts', 'expanded.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  compile(folder, join(folder, 'out'));
  const declared = join(folder, 'out/src/client');
  const expandedFolder = join(declared, basename(folder));
  const isOwn = (path: string): boolean => path !== expandedFolder && !path.endsWith('wire.d.ts');
  cpSync(declared, output, { recursive: true, filter: isOwn });
  const expanded = readFileSync(join(expandedFolder, 'expanded.d.ts'), 'utf8');
  writeFileSync(join(output, 'wire.d.ts'), expanded.replaceAll(/export declare const (\w+):/g, 'export type $1 ='));
}

if (import.meta.main) await buildClient();
