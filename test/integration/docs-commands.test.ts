/** The commands and links of README and docs: servers are started as they stand there, the rest is named by its proof. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { configOptions } from '../../src/config/config.ts';
import { ComfyStandIn } from '../../bench/support/comfyui/comfyui-stand-in.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = ['README.md', 'SECURITY.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)]
  .filter((path) => path.endsWith('.md'))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

/** Shell blocks, continued lines joined. */
const BLOCKS = PAGES.flatMap(({ path, text }) =>
  Array.from(text.matchAll(/^```sh\n([^`]+)```/gm), ([, block = '']) => ({
    path,
    block: block.replaceAll(/\\\n\s*/g, '').trim(),
  })),
);
const SERVERS = BLOCKS.filter(({ block }) => block.includes('npm start -- '));

/** What a page asks for in a shell block, and the file that does it. */
const PROOFS: readonly (readonly [command: RegExp, proof: string])[] = [
  [/^npm ci && npm (start|test)$/, '.ci/run'],
  [/^npm start -- |^export GLIMPSE_AUTH_SECRET/, 'test/integration/docs-commands.test.ts'],
  [/^npm run bench -- congestion/, 'test/integration/congestion-bench.test.ts'],
  [/^npm run soak/, 'test/soak/short.test.ts'],
  [/^npm run bench -- compare/, 'test/unit/bench/compare.test.ts'],
  [/^(MALLOC_ARENA_MAX=8 )?npm run bench -- memory/, 'test/soak/memory.test.ts'],
  [/^npm run bench -- \w+/, 'bench/results'],
  [/^turnserver /, 'test/browser/turn.test.ts'],
  [/^curl .*\/v1\/clips/, 'test/integration/clips.test.ts'],
  [/^curl .*\/whep/, 'test/integration/signaling-whep.test.ts'],
  [/^curl .*\/whip/, 'test/integration/signaling-whip.test.ts'],
  [/^curl .*\/control/, 'test/integration/signaling-http.test.ts'],
  [/^(cp|docker|sudo) /, 'test/integration/deploy.test.ts'],
  [/^(node scripts\/make-toy-pack|npm run -s glimpse -- (models|generate))/, 'test/integration/docs-models.test.ts'],
  [
    /^(node scripts\/make-toy-diffusers|npm run -s glimpse -- serve --model sd-turbo)/,
    'test/integration/docs-diffusers.test.ts',
  ],
  [/^(nats-server|npm run -s glimpse -- (cluster|worker|serve --cluster))/, 'test/integration/cluster-recipe.test.ts'],
  // Not ours to run: they fetch a model of 5 GB.
  [/^(pip install|optimum-cli) /, 'docs/diffusers.md'],
  [/^npm run -s glimpse -- (comfyui|serve --generator comfyui)/, 'test/integration/comfyui-generator.test.ts'],
];

const glimpse = (...args: string[]) =>
  spawnSync(process.execPath, ['src/cli.ts', ...args], { cwd: ROOT, encoding: 'utf8' }).stdout;

it.each(SERVERS)('$path: its server starts', async ({ block }) => {
  await using comfyui = await ComfyStandIn.start();
  const script = block
    .split('\n')
    .filter((line) => !line.startsWith('turnserver'))
    .join('\n')
    .replaceAll(/(--[a-z-]*port) \d+/g, '$1 0')
    .replaceAll('http://127.0.0.1:8188', comfyui.url)
    .replace('npm run -s glimpse --', `${process.execPath} src/cli.ts`)
    .replace('npm start --', `exec ${process.execPath} src/cli.ts serve --port 0`);
  const child = spawn('sh', ['-c', script], {
    cwd: ROOT,
    env: { ...process.env, TURN_SECRET: 'the secret of a test' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('close', resolve));
  let said = '';
  const ready = new Promise<void>((resolve) => {
    const hear = (data: Buffer) => {
      said += data.toString();
      if (said.includes('Glimpse is ready')) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
  });
  await Promise.race([ready, ended]);
  child.kill();
  await ended;
  expect(said).toContain('Glimpse is ready');
});

it('every shell command has a proof', () => {
  const lines = BLOCKS.flatMap(({ path, block }) => block.split('\n').map((line) => ({ path, line })));
  expect(lines.filter(({ line }) => !PROOFS.some(([command]) => command.test(line)))).toEqual([]);
  expect(PROOFS.filter(([, proof]) => !existsSync(join(ROOT, proof)))).toEqual([]);
});

it('every suite, script and file that a command names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const named = (pattern: RegExp) =>
    new Set(PAGES.flatMap(({ text }) => Array.from(text.matchAll(pattern), ([, name = '']) => name)));
  const suites = glimpse('bench', '--help');
  const missing = [
    ...[...named(/\bbench (?:-- )?([a-z]+)\b(?=[^.\n]*(?:`|$|#))/gm)].filter((suite) => !suites.includes(suite)),
    ...[...named(/npm run (?:-s )?([a-z:]+)/g)].filter((script) => !(script in scripts)),
    ...[...named(/node (scripts\/[\w-]+\.ts)/g)].filter((path) => !existsSync(join(ROOT, path))),
  ];
  expect(missing).toEqual([]);
});

it('every option that a command names exists', () => {
  const settings = configOptions().map(({ flag }) => `${flag} `);
  const known = [...settings, ...['bench', 'generate', 'cluster'].map((name) => glimpse(name, '--help'))].join('\n');
  const lines = BLOCKS.flatMap(({ block }) => block.split('\n')).filter((line) => /^npm (start|run) .*-- /.test(line));
  const options = lines.flatMap((line) => line.match(/--[a-z][a-z-]+/g) ?? []);
  expect(options.length).toBeGreaterThan(8);
  expect(options.filter((option) => !known.includes(`${option} `))).toEqual([]);
});

it('every link to a file or a heading leads there', () => {
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
  const dead = PAGES.flatMap(({ path, text }) =>
    Array.from(text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g), ([, link = '']) => link)
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file = '', heading] = link.split('#');
        const target = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
        if (!existsSync(target)) return true;
        if (heading === undefined) return false;
        const headings = readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm);
        return !Array.from(headings, ([, words = '']) => slug(words)).includes(heading);
      })
      .map((link) => `${path}: ${link}`),
  );
  expect(dead).toEqual([]);
});
