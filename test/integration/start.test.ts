/** `npm start` as a service manager sees it: what ends npm ends the service, though the shell between them says nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it, onTestFailed } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** Goes on reading: a pipe that is closed early would end what writes to it. */
function untilReady(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const [, url] = /Glimpse is ready: open (http:\S+?)"/.exec(text) ?? [];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', () => reject(new Error(`it ended: ${text}`)));
  });
}

it('ends with the shell that npm ends', async () => {
  // What npm does: a shell that stays between the two, and the name of the script in the environment.
  const command = `"${process.execPath}" bin/start.js --port 0 --generator pattern & wait`;
  const env = { ...process.env, npm_lifecycle_event: 'start' };
  const shell = spawn('sh', ['-c', command], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  onTestFailed(() => void process.kill(-(shell.pid ?? 0), 'SIGKILL'));
  const url = await untilReady(shell);
  expect((await fetch(url)).status).toBe(200);
  const closed = once(shell, 'close');
  shell.kill('SIGTERM');
  // The output closes when the last process that holds it has ended.
  await closed;
  await expect(fetch(url)).rejects.toThrow();
});
