/** `npm start` as a service manager sees it: what ends npm ends the service, though the shell between them says nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

async function untilReady(child: ChildProcess): Promise<{ url: string; pid: number }> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    const [, url] = /Glimpse is ready: open (http:\S+?)"/.exec(text) ?? [];
    const [, pid] = /script (\d+)/.exec(text) ?? [];
    if (url !== undefined && pid !== undefined) return { url, pid: Number(pid) };
  }
  throw new Error(`it ended: ${text}`);
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('ends with the shell that npm ends', async () => {
  // What npm does: a shell that stays between the two, and the name of the script in the environment.
  const command = `"${process.execPath}" bin/start.js --port 0 --generator pattern & echo script $!; wait`;
  const env = { ...process.env, npm_lifecycle_event: 'start' };
  const shell = spawn('sh', ['-c', command], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const { url, pid } = await untilReady(shell);
  expect((await fetch(url)).status).toBe(200);
  const closed = once(shell, 'close');
  shell.kill('SIGTERM');
  // The output closes when the last process that holds it has ended.
  shell.stdout.resume();
  await closed;
  expect(isAlive(pid)).toBe(false);
});
