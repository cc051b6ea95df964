/**
 * The inference worker as seen from the main thread: `run` is a promise, one run at a time, first come first served.
 * When the thread dies, everything pending rejects with GENERATOR_DOWN and the next run starts a new thread. A thread is
 * never terminated while it may be computing, because that aborts the process: `close` waits for it to end by itself.
 */
import { Worker } from 'node:worker_threads';
import { GlimpseError, toGlimpseError } from '../../errors.ts';
import { buffersOf } from './tensor.ts';
import type { Tensors } from './tensor.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-protocol.ts';

/** Runs that may wait. One slice needs one at a time, so more than this means that callers do not wait for answers. */
const QUEUE_MAX_RUNS = 64;

export interface RunResult {
  outputs: Tensors;
  /** Time inside the model, in ms, without queueing. */
  computeMs: number;
}

interface PendingRun {
  id: number;
  part: string;
  feeds: Tensors;
  resolve(result: RunResult): void;
  reject(error: GlimpseError): void;
}

interface Thread {
  worker: Worker;
  /** Resolves once all parts are loaded. */
  ready: Promise<void>;
  exited: Promise<void>;
}

export class OnnxRuntime implements AsyncDisposable {
  readonly #setup: WorkerSetup;
  readonly #onRestart: () => void;
  readonly #queue: PendingRun[] = [];
  #running: PendingRun | undefined;
  #thread: Thread | undefined;
  #starts = 0;
  #nextId = 0;
  #closed: Promise<void> | undefined;

  /** @param onRestart called whenever a thread that died has been replaced. */
  constructor(setup: WorkerSetup, onRestart: () => void = () => {}) {
    this.#setup = setup;
    this.#onRestart = onRestart;
  }

  /** How often a dead thread was replaced. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  /**
   * Loads all parts; does nothing when they are loaded.
   * @throws GlimpseError MODEL_INVALID when a part does not fit its manifest, GENERATOR_DOWN when the thread dies.
   */
  async start(): Promise<void> {
    if (this.#closed !== undefined) throw closedError();
    this.#thread ??= this.#startThread();
    await this.#thread.ready;
  }

  /**
   * Runs a part. The feeds' buffers are transferred: the caller's arrays are empty afterwards, and an array must own its
   * whole buffer. Aborting rejects with ABORTED at once; a run already begun is finished by the thread and forgotten.
   * @throws GlimpseError ABORTED, GENERATOR_DOWN, MODEL_INVALID
   */
  run(part: string, feeds: Tensors, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<RunResult> {
    if (this.#closed !== undefined) return Promise.reject(closedError());
    if (signal?.aborted === true) return Promise.reject(new GlimpseError('ABORTED'));
    if (this.#queue.length >= QUEUE_MAX_RUNS) return Promise.reject(queueError());
    const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
    const run: PendingRun = { id: this.#nextId++, part, feeds, resolve, reject };
    const onAbort = (): void => {
      const index = this.#queue.indexOf(run);
      if (index >= 0) this.#queue.splice(index, 1);
      reject(new GlimpseError('ABORTED'));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(run);
    void this.#advance();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** Lets the run in progress finish, rejects those waiting, and ends the thread. Idempotent, never throws. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    for (const run of this.#queue.splice(0)) run.reject(closedError());
    const thread = this.#thread;
    if (thread === undefined) return;
    // Handled in order: the thread finishes what it has, then closes.
    thread.worker.postMessage({ type: 'close' } satisfies ToWorker, []);
    await thread.exited;
  }

  /** Starts the next run when the thread is free. */
  async #advance(): Promise<void> {
    if (this.#running !== undefined) return;
    const run = this.#queue.shift();
    if (run === undefined) return;
    this.#running = run;
    try {
      await this.start();
      this.#post(run);
    } catch (error) {
      this.#settle(run.id)?.reject(toGlimpseError(error));
    }
  }

  #post({ id, part, feeds }: PendingRun): void {
    if (this.#closed !== undefined) throw closedError();
    const message: ToWorker = { type: 'run', id, part, feeds };
    this.#thread?.worker.postMessage(message, buffersOf(feeds));
  }

  /** Takes run `id` off the thread and begins the next one; undefined when the run is no longer there. */
  #settle(id: number): PendingRun | undefined {
    const run = this.#running;
    if (run?.id !== id) return undefined;
    this.#running = undefined;
    void this.#advance();
    return run;
  }

  #startThread(): Thread {
    this.#starts += 1;
    if (this.#starts > 1) this.#onRestart();
    const worker = new Worker(workerUrl(), { workerData: this.#setup });
    const ready = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<void>();
    // Whoever awaits `start` sees the failure; a failure nobody waits for must not end the process.
    ready.promise.catch(() => {});
    let cause: unknown;
    worker.on('message', (message: FromWorker) => this.#onMessage(message, ready));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      const error = new GlimpseError('GENERATOR_DOWN', { message: 'The inference thread has ended.', cause });
      ready.reject(error);
      this.#onExit(error);
      exited.resolve();
    });
    return { worker, ready: ready.promise, exited: exited.promise };
  }

  #onMessage(message: FromWorker, ready: PromiseWithResolvers<void>): void {
    if (message.type === 'ready') ready.resolve();
    else if (message.type === 'result') this.#settle(message.id)?.resolve(message);
    else if (message.id === undefined) ready.reject(new GlimpseError(message.code, message));
    else this.#settle(message.id)?.reject(new GlimpseError(message.code, message));
  }

  #onExit(error: GlimpseError): void {
    this.#thread = undefined;
    const pending = [this.#running, ...this.#queue.splice(0)];
    this.#running = undefined;
    for (const run of pending) run?.reject(error);
  }
}

/** Run as it stands this file is TypeScript, compiled it is JavaScript; its neighbour is of the same kind. */
const workerUrl = (): URL => new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

const closedError = (): GlimpseError => new GlimpseError('GENERATOR_DOWN', { message: 'The generator is closed.' });

const queueError = (): GlimpseError =>
  new GlimpseError('GENERATOR_DOWN', {
    message: 'Too many runs are waiting for the inference thread.',
    details: { maxRuns: QUEUE_MAX_RUNS },
  });
