/** A serving process that meets what no code handled: it goes on, counts it, and ends by its rule when it keeps coming. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Runs the service with a signal that makes it fail as `fault` says. */
async function serveWith(fault: string) {
  const script = `process.on('SIGUSR2', () => { ${fault} });`;
  const small = ['--port', '0', '--generator', 'pattern', '--size', '64x64'];
  const entry = ['--import', `data:text/javascript,${encodeURIComponent(script)}`, 'src/cli.ts', 'serve', ...small];
  const child = spawn(process.execPath, entry, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = new Promise<number | null>((done) => child.once('exit', done));
  let log = '';
  child.stdout.on('data', (data) => (log += String(data)));
  const url = await eventually(() => {
    const found = /ready: open (http:\S+?)"/.exec(log)?.[1];
    if (found === undefined) throw new Error(`no address in: ${log}`);
    return found;
  });
  const metrics = async () => (await fetch(`${url}/metrics`)).text();
  return { child, exited, metrics, log: () => log };
}

it('goes on after a rejection, logs it without its words, and counts it', async () => {
  const served = await serveWith('void Promise.reject(new Error("private words"))');
  for (const count of [1, 2]) {
    served.child.kill('SIGUSR2');
    await eventually(async () =>
      expect(await served.metrics()).toContain(`glimpse_process_faults_total{kind="rejection"} ${count}\n`),
    );
  }
  expect(served.log()).toContain('a fault that no code handled');
  expect(served.log()).not.toContain('private words');
  served.child.kill('SIGTERM');
  expect(await served.exited).toBe(0);
});

it('drains and ends with status 1 when exceptions keep coming', async () => {
  const served = await serveWith('for (let n = 0; n < 11; n++) setImmediate(() => { throw new Error("x"); });');
  served.child.kill('SIGUSR2');
  expect(await served.exited).toBe(1);
  expect(served.log()).toContain('the service drains and ends with status 1');
});
