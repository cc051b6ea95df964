/**
 * `npm run pack`: builds, and writes the two packages, `glimpse` and `glimpse-client`, as tarballs into `dist/packages`, ready
 * for `npm publish FILE`.
 *
 * `glimpse` carries onnxruntime-node inside, without its install script: the script downloads CUDA libraries from another
 * host than the registry, and an installation without a way there fails. The CPU's libraries are in the package already.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from './build.ts';
import { isShipped, SHIPPED } from './shipped.ts';

const root = join(import.meta.dirname, '..');
const packages = join(root, 'dist/packages');
/** Outside `dist`, which is copied into it. */
const stage = mkdtempSync(join(tmpdir(), 'glimpse-pack-'));

/** npm turned a link into a second copy of 45 MB; the binding loads the other name. */
const COPIED_LIBRARY = /libonnxruntime\.\d+\.\d+\.\d+\.dylib$/;
/** What onnxruntime-node needs to run; its other dependencies serve its install script. */
const RUNTIME_PACKAGES = ['onnxruntime-node', 'onnxruntime-common'];

type PackageJson = Record<string, unknown> & { name: string; version: string; dependencies?: Record<string, string> };
const packageJsonOf = (folder: string): PackageJson =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;

function write(folder: string, content: object): void {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}

function stageService(): void {
  for (const name of SHIPPED)
    cpSync(join(root, name), join(stage, name), {
      recursive: true,
      filter: (path) => isShipped(path.slice(root.length + 1).replaceAll('\\', '/')),
    });
  const { name, version, description, license, type, bin, exports, engines, dependencies } = packageJsonOf(root);
  const head = { name, version, description, license, type, bin, exports, engines };
  write(stage, { ...head, dependencies, bundleDependencies: ['onnxruntime-node'] });
  for (const runtime of RUNTIME_PACKAGES) {
    const folder = join(stage, 'node_modules', runtime);
    cpSync(join(root, 'node_modules', runtime), folder, {
      recursive: true,
      filter: (path) => !COPIED_LIBRARY.test(path),
    });
    rmSync(join(folder, 'script'), { recursive: true, force: true });
    const { scripts: _, devDependencies: __, dependencies: needed = {}, ...rest } = packageJsonOf(folder);
    const kept = Object.entries(needed).filter(([dependency]) => RUNTIME_PACKAGES.includes(dependency));
    write(folder, { ...rest, dependencies: Object.fromEntries(kept) });
  }
}

/** @returns path of the tarball */
function pack(folder: string): string {
  const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', packages], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const [{ filename, size, unpackedSize }] = JSON.parse(printed) as [
    { filename: string; size: number; unpackedSize: number },
  ];
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
  console.log(`${filename}: ${megabytes(size)}, unpacked ${megabytes(unpackedSize)}`);
  return join(packages, basename(filename));
}

try {
  await build();
  mkdirSync(packages, { recursive: true });
  stageService();
  pack(stage);
  pack(join(root, 'src/client'));
} finally {
  rmSync(stage, { recursive: true });
}
