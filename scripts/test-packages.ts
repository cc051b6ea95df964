/**
 * `npm run test:packages`: packs `glimpse` and `glimpse-client`, and uses them as a stranger would: installed from the tarball
 * into an empty folder, with an empty npm cache and none of this project's settings, under the oldest Node that is promised.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'glimpse-packages-'));
const OLDEST_NODE = '22.15.0';
/** Limits of the README, bytes on disk. */
const CLIENT_MAX_BYTES = 100_000;
const SERVICE_MAX_BYTES = 600e6;

let failures = 0;
let passes = 0;

function check(what: string, isTrue: boolean, detail = ''): void {
  console.log(`${isTrue ? 'ok  ' : 'FAIL'} ${what}${detail === '' ? '' : ` (${detail})`}`);
  if (isTrue) passes += 1;
  else failures += 1;
}

/** A project of somebody else's. */
function project(name: string, ...packages: string[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  // What npm scripts hand down of this project's settings is not a stranger's.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key)));
  const { status, stderr } = spawnSync('npm', ['install', ...packages, '--no-audit', '--no-fund'], {
    cwd: path,
    encoding: 'utf8',
    env: { ...environment, npm_config_cache: join(folder, 'cache') },
    shell: process.platform === 'win32',
  });
  check(`npm install ${name}`, status === 0, status === 0 ? '' : stderr.slice(-500));
  return path;
}

/** Bytes of all files below. */
function bytesIn(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

const ran = (file: string, args: string[], cwd: string, env = process.env) =>
  spawnSync(file, args, { cwd, encoding: 'utf8', env, shell: process.platform === 'win32' });

/** The first output of a server that matches. */
async function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray | undefined> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    const match = pattern.exec(text);
    if (match) return match;
  }
  console.log(text);
  return undefined;
}

async function serviceWorks(path: string, node: string): Promise<void> {
  const env = { ...process.env, PATH: `${node}${delimiter}${process.env['PATH'] ?? ''}` };
  const version = ran('node', ['--version'], path, env).stdout.trim();
  check(
    `import 'glimpse' under Node ${version}`,
    ran('node', ['-e', 'await import("glimpse")'], path, env).status === 0,
  );
  const clip = join(path, 'clip.mp4');
  const made = ran(
    'npx',
    ['glimpse', 'generate', 'a red ball over a meadow', '--seconds', '1', '--out', clip],
    path,
    env,
  );
  check(
    `glimpse generate under Node ${version}`,
    made.status === 0 && statSync(clip).size > 1_000,
    made.stderr.slice(-300),
  );
  const child = spawn(join(path, 'node_modules/.bin/glimpse'), ['serve', '--port', '0'], { cwd: path, env });
  try {
    const ready = await printed(child, /Glimpse is ready: open (http:\S+?)"/);
    const page = ready?.[1] === undefined ? undefined : await fetch(ready[1]);
    check(`glimpse serve under Node ${version}`, page?.status === 200);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    check('it ends by SIGTERM with 0', code === 0);
  } finally {
    child.kill('SIGKILL');
  }
}

function oldNodeIsToldSo(path: string, node: string): void {
  const env = { ...process.env, PATH: `${node}${delimiter}${process.env['PATH'] ?? ''}` };
  const { status, stderr } = ran(join(path, 'node_modules/.bin/glimpse'), ['--help'], path, env);
  check(
    'Node 20 gets one line in words',
    status === 1 && /^Glimpse needs Node 22\.15 or newer.+\n$/.test(stderr),
    stderr,
  );
}

function clientIsSmallAndTyped(tarball: string): void {
  const path = project('client', tarball);
  const installed = readdirSync(join(path, 'node_modules')).filter((name) => !name.startsWith('.'));
  check('the SDK brings no other package', installed.join() === 'glimpse-client', installed.join());
  const bytes = bytesIn(join(path, 'node_modules'));
  check('the SDK is under 100 kB', bytes < CLIENT_MAX_BYTES, `${bytes} bytes`);
  typesAreClean(
    path,
    `import { connect, GlimpseClientError, type TierEvent } from 'glimpse-client';
await using live = await connect({ url: 'http://localhost', prompt: 'a red ball' });
live.on('tier', ({ slice, tier }: TierEvent) => console.log(slice, tier));
const code: 'SESSION_LIMIT' | undefined = GlimpseClientError.prototype.code === 'SESSION_LIMIT' ? 'SESSION_LIMIT' : undefined;
console.log(code, live.welcome?.generator.tiers[0]?.widthPx.toFixed());\n`,
    ['DOM', 'ES2022'],
  );
  const own = join(root, 'node_modules/.bin');
  const lint = ran(join(own, 'publint'), [tarball, '--strict'], root);
  check('publint', lint.status === 0, lint.stdout.slice(-500));
  const attw = ran(join(own, 'attw'), [tarball, '--profile', 'esm-only'], root);
  check('are the types wrong? no', attw.status === 0, attw.status === 0 ? '' : attw.stdout.slice(-800));
}

/** With `skipLibCheck` off, the SDK's own declarations are checked too. */
function typesAreClean(path: string, source: string, lib: string[]): void {
  writeFileSync(join(path, 'main.ts'), source);
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    module: 'nodenext',
    target: 'es2022',
    lib,
    types: [],
  };
  writeFileSync(join(path, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
  const { status, stdout } = ran(join(root, 'node_modules/.bin/tsc'), ['-p', path], path);
  check('its types are clean without skipLibCheck', status === 0, stdout.slice(0, 800));
}

try {
  execFileSync('npm', ['run', 'pack'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const tarball = (name: string) => join(root, `dist/packages/${name}-${version}.tgz`);
  clientIsSmallAndTyped(tarball('glimpse-client'));
  const path = project('service', tarball('glimpse'));
  const bytes = bytesIn(join(path, 'node_modules'));
  check('the service is under 600 MB', bytes < SERVICE_MAX_BYTES, `${(bytes / 1e6).toFixed(0)} MB`);
  const nodeOf = (name: string) => join(folder, name, `node_modules/node-${process.platform}-${process.arch}/bin`);
  for (const [name, wanted] of [
    ['node-oldest', OLDEST_NODE],
    ['node-too-old', '20'],
  ] as const)
    project(name, `node-${process.platform}-${process.arch}@${wanted}`);
  oldNodeIsToldSo(path, nodeOf('node-too-old'));
  await serviceWorks(path, nodeOf('node-oldest'));
  await serviceWorks(path, join(process.execPath, '..'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passes} passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
