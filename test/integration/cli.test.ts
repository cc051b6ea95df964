/** The commands of README and docs, run as a user runs them. */
import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeToyPack } from '../../scripts/make-toy-pack.ts';
import { ffmpegBinary } from '../../src/media/ffmpeg-binary.ts';
import { eventually } from '../support/eventually.ts';

const ROOT = resolve(import.meta.dirname, '../..');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(...args: string[]) {
  const child = spawn(process.execPath, ['src/cli.ts', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (output.stdout += String(data)));
  child.stderr.on('data', (data) => (output.stderr += String(data)));
  const finished = new Promise<Finished>((done) => child.on('close', (code) => done({ code, ...output })));
  return { child, output, finished };
}
const run = (...args: string[]) => start(...args).finished;

/** Mean luma of each frame of a video file. */
async function meanLumas(path: string): Promise<number[]> {
  const binary = await ffmpegBinary();
  const flags = ['-loglevel', 'error', '-i', path, '-vf', 'scale=1:1:flags=area', '-pix_fmt', 'gray', '-f', 'rawvideo'];
  const child = spawn(binary?.path ?? 'ffmpeg', [...flags, '-'], { stdio: ['ignore', 'pipe', 'inherit'] });
  return Array.from(Buffer.concat(await child.stdout.toArray()));
}

/** Until so many slices of an export lie beside the file it is to become. */
const madeSlices = (out: string, count: number) =>
  eventually(async () => {
    const names = await readdir(`${out}.slices/segments`);
    expect(names.filter((name) => name.endsWith('.seg')).length).toBeGreaterThanOrEqual(count);
  });

describe('glimpse', () => {
  it('generate writes a clip and a picture of each tier, the same for the same seed', async () => {
    const clip = (name: string) => join(folder, name);
    const first = await run(
      'generate',
      'a red ball over a green meadow',
      '--out',
      clip('a.mp4'),
      '--seconds',
      '1',
      '--seed',
      '4',
      '--model',
      'glimpse-s',
      '--tiers',
      clip('tiers'),
    );
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('512x512') });
    const again = ['--seconds', '1', '--seed', '4', '--model', 'glimpse-s'];
    await run('generate', 'a red ball over a green meadow', '--out', clip('b.mp4'), ...again);
    expect((await readFile(clip('a.mp4'))).equals(await readFile(clip('b.mp4')))).toBe(true);
    for (const tier of ['draft', 'base', 'refined'])
      expect((await stat(join(clip('tiers'), `${tier}.png`))).size).toBeGreaterThan(500);
  });

  it('generate goes on where it was killed, and makes the same file', async () => {
    const out = join(folder, 'cut.mp4');
    const command = ['generate', 'a boat on the sea at night', '--seconds', '12', '--seed', '6'];
    const cut = start(...command, '--out', out);
    await madeSlices(out, 3);
    cut.child.kill('SIGKILL');
    await cut.finished;
    await expect(stat(out)).rejects.toThrow('ENOENT');
    const { code, stdout, stderr } = await run(...command, '--out', out);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, before = 0] = /; (\d+) of 18 slices were made before/.exec(stdout) ?? [];
    expect(Number(before)).toBeGreaterThanOrEqual(3);
    await expect(stat(`${out}.slices`)).rejects.toThrow('ENOENT');
    const whole = join(folder, 'whole.mp4');
    expect((await run(...command, '--out', whole)).stdout).not.toContain('before');
    expect((await readFile(out)).equals(await readFile(whole))).toBe(true);
  });

  it('generate --fresh makes everything anew', async () => {
    const out = join(folder, 'fresh.mp4');
    const command = ['generate', 'a boat on the sea at night', '--out', out, '--seconds', '8', '--seed', '6'];
    const cut = start(...command);
    await madeSlices(out, 2);
    cut.child.kill('SIGINT');
    expect((await cut.finished).stderr).toContain('The same command goes on where this one was stopped.');
    expect((await run(...command, '--fresh')).stdout).not.toContain('before');
  });

  it('says in two lines what is missing', async () => {
    const { code, stderr } = await run('generate', 'sea');
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([
      "error: required option '--out <file>' not specified",
      expect.stringContaining('--help'),
    ]);
  });

  it('generate says which words the model does not know, and what was made at which size', async () => {
    const { stderr, stdout } = await run(
      'generate',
      'a zebra in the desert',
      '--out',
      join(folder, 'z.mp4'),
      '--seconds',
      '1',
      '--tier',
      'draft',
    );
    expect(stderr).toContain('zebra');
    expect(stderr).not.toContain('desert');
    expect(stdout).toMatch(/draft 64x64 scaled to 512x512/);
  });

  it('generate divides a clip between the prompts of a list, and travels from one to the next', async () => {
    const out = join(folder, 'list.mp4');
    const list = 'the sea by day | the sea at night';
    const settings = ['--seconds', '4', '--tier', 'base', '--transition-slices', '2'];
    const { code, stderr } = await run('generate', `${list} with a zebra`, '--out', out, ...settings);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('not known to the model: zebra') });
    const lumas = await meanLumas(out);
    expect(lumas).toHaveLength(48);
    const [day = 0, between = 0, night = 0] = [lumas[20], lumas[28], lumas[47]];
    expect(day - night).toBeGreaterThan(25);
    expect(between).toBeLessThan(day);
    expect(between).toBeGreaterThan(night);
  });

  it.each([
    ['an empty prompt', ['generate', ' ', '--out', 'x.mp4'], 'PROMPT_EMPTY'],
    ['an empty part of a list', ['generate', 'sea | ', '--out', 'x.mp4'], 'PROMPT_EMPTY'],
    ['more prompts than slices', ['generate', 'a|b|c', '--out', 'x.mp4', '--seconds', '1'], 'PROMPT_LIST_TOO_LONG'],
    ['a travel too long', ['generate', 'sea', '--out', 'x', '--transition-slices', '99'], 'PARAMETER_INVALID'],
    ['a tier that does not exist', ['generate', 'sea', '--out', 'x.mp4', '--tier', 'perfect'], 'PARAMETER_INVALID'],
    ['another format than MP4', ['generate', 'sea', '--out', 'x.avi'], 'PARAMETER_INVALID'],
    ['a folder that does not exist', ['generate', 'sea', '--out', '/nope/x.mp4'], 'PARAMETER_INVALID'],
    ['a folder as a file', ['generate', 'sea', '--out', tmpdir()], 'PARAMETER_INVALID'],
    ['a model pack that is not there', ['models', '--model', '/nowhere'], 'MODEL_INVALID'],
    ['an unknown suite', ['bench', 'nonsense'], 'PARAMETER_INVALID'],
    ['a port that is no number', ['serve', '--port', 'http'], 'CONFIG_INVALID'],
  ])('refuses %s with its code and exit 1', async (_, args, code) => {
    const result = await run(...args);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(new RegExp(`^${code}: `));
    expect((await readdir(ROOT)).filter((name) => name.startsWith('x'))).toEqual([]);
  });

  it('models lists the packs that ship, and the one it is pointed at', async () => {
    expect(await run('models')).toMatchObject({ code: 0, stdout: expect.stringMatching(/glimpse-s\s+\d.*MB/) });
    await makeToyPack(join(folder, 'toy'));
    const { stdout } = await run('models', '--model', join(folder, 'toy'));
    expect(stdout).toMatch(/^glimpse-s .*\n(.*\n)*toy .*upscaled 128x128/m);
  });

  it('models verify checks files and graphs; models show says what a pack knows', async () => {
    const verified = await run('models', 'verify', 'glimpse-s');
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/denoiser\.onnx.*hash matches/) });
    expect(verified.stdout).toMatch(/all \d parts load/);
    const { stdout } = await run('models', 'show', 'glimpse-s');
    for (const found of [
      /refined\s+\d+x\d+/,
      /denoiser\s+denoiser\.onnx/,
      /sigmas 1 /,
      /scene\s+sea, meadow/,
      /^example/m,
    ])
      expect(stdout).toMatch(found);
  });

  it('models verify names the part that is not what its manifest says', async () => {
    const pack = join(folder, 'broken');
    await makeToyPack(pack);
    await appendFile(join(pack, 'refiner.onnx'), 'x');
    expect(await run('models', 'verify', pack)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^MODEL_INVALID: Model pack, refiner: expected \d+ bytes/),
    });
  });

  it('doctor says what there is', async () => {
    const { code, stdout } = await run('doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/encoders\s+libav: /);
    expect(stdout).toMatch(/DTLS self-test passed/);
    expect(stdout).toMatch(/live viewers\s+about \d/);
  });

  it('help shows default, environment and consequence of each setting', async () => {
    const { stdout } = await run('serve', '--help');
    expect(stdout.replace(/\s+/g, ' ')).toContain('HTTP port; 0 picks a free one (GLIMPSE_PORT; default 8080)');
  });

  it('serve says its address, serves, and ends by SIGTERM with nothing left', async () => {
    const { child, output, finished } = start('serve', '--port', '0');
    await expect.poll(() => output.stdout).toContain('Glimpse is ready');
    const { url } = JSON.parse(output.stdout.split('\n').find((line) => line.includes('Glimpse is ready')) ?? '{}') as {
      url: string;
    };
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const page = await (await fetch(url)).text();
    expect(page).toContain('<title>Glimpse');
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('glimpse_sessions 0');
    child.kill('SIGTERM');
    expect((await finished).code).toBe(0);
  });

  it('serve says which port is taken', async () => {
    const { output, child, finished } = start('serve', '--port', '0', '--generator', 'pattern');
    await expect.poll(() => output.stdout).toContain('Glimpse is ready');
    const port = /127\.0\.0\.1:(\d+)/.exec(output.stdout)?.[1] ?? '';
    const second = await run('serve', '--port', port, '--generator', 'pattern');
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('CONFIG_INVALID') });
    child.kill('SIGTERM');
    await finished;
  });
});
