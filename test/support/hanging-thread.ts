/** Makes a worker thread stand still, as a model that never ends would: by the inspector, so that nothing in it is prepared. */
import { Session } from 'node:inspector/promises';

export class ThreadHanger implements Disposable {
  readonly #session = new Session();
  /** Inspector sessions of the threads there are, by their titles' order of coming. */
  readonly #threads: string[] = [];
  #nextId = 1;

  private constructor() {
    this.#session.connect();
    this.#session.on('NodeWorker.attachedToWorker', ({ params }) => this.#threads.push(params.sessionId));
    this.#session.on('NodeWorker.detachedFromWorker', ({ params }) => {
      this.#threads.splice(this.#threads.indexOf(params.sessionId), 1);
    });
  }

  /** Sees the threads there are, and those that come. */
  static async attach(): Promise<ThreadHanger> {
    const hanger = new ThreadHanger();
    await hanger.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
    return hanger;
  }

  /** The newest thread answers nothing for so long. */
  async hang(ms: number): Promise<void> {
    const sessionId = this.#threads.at(-1);
    if (sessionId === undefined) throw new RangeError('there is no thread');
    const expression = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms})`;
    const message = JSON.stringify({ id: this.#nextId++, method: 'Runtime.evaluate', params: { expression } });
    await this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }
}
