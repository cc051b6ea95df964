/** The service under attack as the bench sees it: started with its own settings, asked, stopped by its own pid. */
import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Vitals } from './server-process.ts';

export class Target implements AsyncDisposable {
  readonly url: string;
  readonly mediaPort: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, { url, mediaPort }: Vitals) {
    this.#child = child;
    this.url = url;
    this.mediaPort = mediaPort;
  }

  static async start(flags: Record<string, unknown> = {}): Promise<Target> {
    const child = fork(fileURLToPath(new URL('./server-process.ts', import.meta.url)), {
      env: { ...process.env, GLIMPSE_BENCH_FLAGS: JSON.stringify(flags) },
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const first = await new Promise<Vitals>((resolve, reject) => {
      child.once('message', (vitals) => resolve(vitals as Vitals));
      child.once('exit', (code) => reject(new Error(`the service exited with ${code} before it listened`)));
    });
    return new Target(child, first);
  }

  /** False once it has crashed. */
  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  vitals(): Promise<Vitals> {
    const answered = new Promise<Vitals>((resolve) => {
      this.#child.once('message', (vitals) => resolve(vitals as Vitals));
    });
    this.#child.send('vitals');
    return answered;
  }

  /** Resolves when no session is left; after a minute in any case, so that the bench ends and its figure says so. */
  async untilEmpty(): Promise<void> {
    const endMs = performance.now() + 60_000;
    while ((await this.vitals()).sessions > 0 && performance.now() < endMs) await sleep(100);
  }

  /** Collects garbage, so that memory is compared by what is held. */
  async settled(): Promise<Vitals> {
    this.#child.send('collect');
    await sleep(1_000);
    this.#child.send('collect');
    return this.vitals();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.alive) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await exited;
  }
}
