/** Makes a worker thread stand still, as a model that never ends would: by the inspector, so that nothing in it is prepared. */
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 2;

export class ThreadHanger implements Disposable {
  readonly #session = new Session();
  /** Inspector sessions of the threads there are, by their titles' order of coming. */
  readonly #threads: string[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'glimpse-hang-'));
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

  /** Resolves once the newest thread stands still; it does until the returned function is called, or this is disposed of. */
  async hang(): Promise<() => void> {
    const sessionId = this.#threads.at(-1);
    if (sessionId === undefined) throw new RangeError('there is no thread');
    // While this file is there; the thread shares no memory with us that it has not been given before.
    const path = join(this.#folder, String(this.#nextId));
    const held = `${path}.held`;
    closeSync(openSync(path, 'w'));
    const expression = `{
      const { closeSync, existsSync, openSync } = process.getBuiltinModule('node:fs');
      closeSync(openSync(${JSON.stringify(held)}, 'w'));
      const word = new Int32Array(new SharedArrayBuffer(4));
      while (existsSync(${JSON.stringify(path)})) Atomics.wait(word, 0, 0, 20);
    }`;
    const message = JSON.stringify({ id: this.#nextId++, method: 'Runtime.evaluate', params: { expression } });
    await this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
    // A thread that computes stands still only after that.
    while (!existsSync(held)) await sleep(POLL_MS);
    return () => rmSync(path, { force: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
    this.#session.disconnect();
  }
}
