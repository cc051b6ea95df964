/** Another program that takes all it can get of one core: a child that counts, ended with its owner. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Looks for its parent now and then: a bench that is killed leaves nothing running. */
const LOOP = 'const parent = process.ppid; for (let i = 1; i % 1e7 || process.ppid === parent; i++);';

export class BusyCore implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(): Promise<BusyCore> {
    const child = spawn(process.execPath, ['-e', LOOP], { stdio: 'ignore' });
    await once(child, 'spawn');
    return new BusyCore(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
