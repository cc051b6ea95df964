/** The recipe of docs/cluster.md, command by command, on free ports: two gateways and two workers in their processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { natsServerPath } from '../support/nats-server.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BLOCKS = Array.from(
  readFileSync(join(ROOT, 'docs/cluster.md'), 'utf8').matchAll(/^```sh\n([^`]+)```/gm),
  ([, block = '']) => block.trim().split('\n'),
);
const children: ChildProcess[] = [];

/** Starts a command of the page, and resolves when it has printed `sign`. */
async function started(command: string, sign: RegExp): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  const ready = Promise.withResolvers<void>();
  const onText = (text: Buffer): void => {
    said += text.toString();
    if (sign.test(said)) ready.resolve();
  };
  child.stdout.on('data', onText);
  child.stderr.on('data', onText);
  child.once('exit', () => ready.reject(new Error(`${command} ended:\n${said}`)));
  await ready.promise;
  return child;
}

async function output(command: string): Promise<string> {
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  await once(child, 'close');
  return said;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
}

async function ended(child: ChildProcess | undefined, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

afterAll(async () => {
  // A gateway that is killed leaves the folder of its clips.
  for (const child of children.toReversed()) await ended(child, 'SIGTERM');
});

/** Makes a clip at a gateway, and resolves with its length in bytes. */
async function clip(url: string, prompt: string): Promise<number> {
  const headers = { 'Content-Type': 'application/json' };
  const posted = await fetch(`${url}/v1/clips`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ prompt, seconds: 2 }),
  });
  const { id } = (await posted.json()) as { id: string };
  await expect
    .poll(async () => ((await (await fetch(`${url}/v1/clips/${id}`)).json()) as { state: string }).state)
    .toBe('ready');
  return (await (await fetch(`${url}/v1/clips/${id}.mp4`)).arrayBuffer()).byteLength;
}

describe.skipIf(natsServerPath === undefined)('the recipe of docs/cluster.md', () => {
  it('makes pictures at both gateways, goes on when a worker is killed, and drains the other', async () => {
    const [nats, http] = [await freePort(), [await freePort(), await freePort()]];
    const command = (line = ''): string =>
      line
        .replace('nats-server', `${natsServerPath} -p ${nats}`)
        .replace('npm run -s glimpse --', `${process.execPath} src/cli.ts`)
        .replace('nats://127.0.0.1', `nats://127.0.0.1:${nats}`)
        .replace(/--port 808(\d)/, (_, index: string) => `--port ${http[Number(index)]}`);
    const [start = [], look = []] = BLOCKS;
    expect([start.length, look.length]).toEqual([5, 2]);
    await started(command(start[0]), /Server is ready/);
    const [one, two] = await Promise.all([start[1], start[2]].map((line) => started(command(line), /takes jobs/)));
    await Promise.all([start[3], start[4]].map((line) => started(command(line), /Glimpse is ready/)));
    const urls = http.map((port) => `http://127.0.0.1:${port}`);
    const sizes = await Promise.all(urls.map((url) => clip(url, 'a red ball over the sea')));
    expect(Math.min(...sizes)).toBeGreaterThan(1_000);

    const later = urls.map((url) => clip(url, 'a city at night'));
    await ended(one);
    expect(Math.min(...(await Promise.all(later)))).toBeGreaterThan(1_000);

    const table = async (): Promise<string[]> => (await output(command(look[0]))).trim().split('\n').slice(1);
    await expect.poll(table).toEqual([expect.stringMatching(/^two /)]);
    const exit = once(two as ChildProcess, 'exit');
    expect(await output(command(look[1]))).toMatch(/two .* drains and ends/);
    await exit;
    await expect.poll(async () => (await fetch(`${urls[0]}/readyz`)).status).toBe(503);
  });
});
