/** The inference processes that this process starts, and what may happen to them: death, or standing still. */
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';

const CHANNEL = 'child_process';

export class InferenceProcesses implements Disposable {
  readonly #started: ChildProcess[] = [];
  readonly #onStarted = (message: unknown): void => {
    const child = (message as { process: ChildProcess }).process;
    child.once('spawn', () => {
      if (!isInference(child)) return;
      this.#started.push(child);
      if (this.#doomed-- > 0) child.kill('SIGKILL');
    });
  };
  /** Of those to come, how many are to die as soon as they are there. */
  #doomed = 0;

  constructor() {
    subscribe(CHANNEL, this.#onStarted);
  }

  /** In the order of their coming. */
  get all(): readonly ChildProcess[] {
    return this.#started;
  }

  get newest(): ChildProcess {
    const newest = this.all.at(-1);
    if (newest === undefined) throw new RangeError('there is no inference process');
    return newest;
  }

  /** @param more of those that take its place */
  kill(more = 0): void {
    this.#doomed = more;
    this.newest.kill('SIGKILL');
  }

  /** The newest one stands still. It can be killed, and goes on when the returned function is called. */
  hang(): () => void {
    const { newest } = this;
    newest.kill('SIGSTOP');
    return () => void newest.kill('SIGCONT');
  }

  /** Resolves when the newest one has ended. */
  async end(): Promise<void> {
    const { newest } = this;
    if (newest.exitCode === null && newest.signalCode === null) await once(newest, 'exit');
  }

  [Symbol.dispose](): void {
    unsubscribe(CHANNEL, this.#onStarted);
    for (const child of this.all) child.kill('SIGCONT');
  }
}

const isInference = ({ spawnargs }: ChildProcess): boolean =>
  spawnargs.some((argument) => /onnx\/process\/entry\.(ts|js)$/.test(argument));
