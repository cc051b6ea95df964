/**
 * The inference worker as seen from the main thread: `run` is a promise, one run at a time, first come first served; runs
 * that are asked for together and fit together are one run of the model. When the thread dies another one takes its place
 * and does the run again, once: latents live in the main thread, so nothing but that step is lost. A run that takes two
 * threads down rejects with GENERATOR_DOWN. A thread that does not answer counts as dead too, and is replaced. A thread is
 * never terminated while it may be computing, because that aborts the process: `close` waits for it to end by itself, and
 * one that hangs is left to itself, its answer ignored, until it ends.
 */
import { Worker } from 'node:worker_threads';
import { GlimpseError, toGlimpseError } from '../../errors.ts';
import type { Activation } from '../model-memory.ts';
import { canJoin, itemsOf, joinFeeds, splitOutputs, type PartTensors } from './batching.ts';
import type { Move, PartInfo } from './part-memory.ts';
import { PartResidence } from './part-residence.ts';
import { RunWatch } from './run-watch.ts';
import type { Tensors } from './tensor.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-protocol.ts';

/** Runs that may wait. One slice needs one at a time, so more than this means that callers do not wait for answers. */
const QUEUE_MAX_RUNS = 64;
/** Runs in one run of the model, whatever callers ask for together: activations grow with it. */
const BATCH_MAX_RUNS = 16;
/** Threads one run may take down. */
const DEATHS_MAX = 2;
/** Hanging threads at once: each keeps its parts in memory. With more of them no other is started. */
const HANGING_MAX = 3;

export interface RunResult {
  outputs: Tensors;
  /** Time inside the model, in ms, without queueing; of a batch, this run's share. */
  computeMs: number;
}

interface PendingRun {
  part: string;
  feeds: Tensors;
  /** Threads that died while this was running. */
  deaths: number;
  resolve(result: RunResult): void;
  reject(error: GlimpseError): void;
}

interface Batch {
  id: number;
  runs: PendingRun[];
}

interface Thread {
  worker: Worker;
  /** Resolves once all parts are loaded. */
  ready: Promise<void>;
  /** Resolves when it has ended, or is waited for no longer. */
  exited: Promise<void>;
  giveUp(): void;
}

interface PendingMove {
  part: string;
  resolve(): void;
  reject(error: GlimpseError): void;
}

export interface RuntimeOptions {
  /** Called whenever a thread that died has been replaced. */
  onRestart?: (() => void) | undefined;
  /** Memory of all parts together; default: no limit. */
  budgetBytes?: number | undefined;
}

export class OnnxRuntime implements AsyncDisposable {
  readonly #setup: Omit<WorkerSetup, 'load'>;
  readonly #onRestart: () => void;
  readonly #residence: PartResidence;
  /** Moves the thread has been asked for, by id. */
  readonly #moves = new Map<number, PendingMove>();
  readonly #queue: PendingRun[] = [];
  #running: Batch | undefined;
  #thread: Thread | undefined;
  /** Threads that were given up and have not ended. */
  readonly #hanging = new Set<Worker>();
  readonly #watch = new RunWatch(() => this.#onHang());
  #starts = 0;
  #nextId = 0;
  #closed: Promise<void> | undefined;

  constructor(setup: Omit<WorkerSetup, 'load'>, { onRestart = () => {}, budgetBytes = Infinity }: RuntimeOptions = {}) {
    this.#setup = setup;
    this.#onRestart = onRestart;
    this.#residence = new PartResidence({ parts: setup.parts, budgetBytes });
  }

  /** Every part with its state and size, in the order of the setup. */
  get parts(): readonly PartInfo[] {
    return this.#residence.parts;
  }

  get budgetBytes(): number {
    return this.#residence.budgetBytes;
  }

  /** Keeps nothing but the part in use loaded: slow, and the least memory there is. */
  set lowMemory(on: boolean) {
    this.#residence.lowMemory = on;
  }

  /** How often a dead thread was replaced. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  /**
   * Starts the thread with the parts that fit the budget; does nothing when it runs.
   * @throws GlimpseError MEMORY_BUDGET when a part does not fit even alone, MODEL_INVALID when a part does not fit its manifest, GENERATOR_DOWN when the thread dies.
   */
  async start(): Promise<void> {
    if (this.#closed !== undefined) throw closedError();
    this.#residence.check();
    this.#thread ??= this.#startThread();
    await this.#thread.ready;
  }

  /**
   * Runs a part. The feeds are copied to the thread, so they must not change before the run has ended. Aborting rejects
   * with ABORTED at once; a run already begun is finished by the thread and forgotten.
   * @throws GlimpseError ABORTED, GENERATOR_DOWN, MODEL_INVALID
   */
  run(part: string, feeds: Tensors, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<RunResult> {
    if (this.#closed !== undefined) return Promise.reject(closedError());
    if (signal?.aborted === true) return Promise.reject(new GlimpseError('ABORTED'));
    if (this.#queue.length >= QUEUE_MAX_RUNS) return Promise.reject(queueError());
    const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
    const run: PendingRun = { part, feeds, deaths: 0, resolve, reject };
    const onAbort = (): void => {
      const index = this.#queue.indexOf(run);
      if (index >= 0) this.#queue.splice(index, 1);
      reject(new GlimpseError('ABORTED'));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(run);
    // Not at once: what is asked for in the same turn may join.
    queueMicrotask(() => void this.#advance());
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** Loads what fits of all parts, in the order of the setup. @throws GlimpseError MODEL_INVALID, GENERATOR_DOWN */
  async activate(): Promise<Activation> {
    const startedMs = performance.now();
    const hit = this.#thread !== undefined && this.parts.every(({ state }) => state !== 'cold');
    await this.start();
    await this.#moveAll(this.#residence.movesForAll());
    return { hit, ms: performance.now() - startedMs };
  }

  /** Releases every part, after the run in progress. @throws GlimpseError GENERATOR_DOWN */
  async rest(to: 'half-loaded' | 'cold'): Promise<void> {
    if (this.#thread === undefined || this.#closed !== undefined) return;
    await this.#thread.ready;
    await this.#moveAll(this.#residence.movesToRest(to));
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
    const batch = this.#takeBatch();
    if (batch === undefined) return;
    this.#running = batch;
    try {
      await this.start();
      const part = batch.runs[0]?.part ?? '';
      await this.#moveAll(this.#residence.movesFor(part));
      // The thread may have died meanwhile; then this batch waits for the next one.
      if (this.#running !== batch) return;
      this.#residence.onRun(part, performance.now() * 1000);
      this.#post(batch);
    } catch (error) {
      for (const run of this.#settle(batch.id)) run.reject(toGlimpseError(error));
    }
  }

  /** The first in the queue and those that can be one run with it. */
  #takeBatch(): Batch | undefined {
    const first = this.#queue.shift();
    if (first === undefined) return undefined;
    const tensors = this.#tensorsOf(first.part);
    const joining = this.#queue
      .filter(({ part, feeds }) => part === first.part && canJoin(tensors, first.feeds, feeds))
      .slice(0, BATCH_MAX_RUNS - 1);
    for (const run of joining) this.#queue.splice(this.#queue.indexOf(run), 1);
    return { id: this.#nextId++, runs: [first, ...joining] };
  }

  #post({ id, runs }: Batch): void {
    const [first] = runs;
    if (this.#closed !== undefined || first === undefined) throw closedError();
    const { part } = first;
    const feeds =
      runs.length === 1
        ? first.feeds
        : joinFeeds(
            this.#tensorsOf(part),
            runs.map((run) => run.feeds),
          );
    // Copied, not transferred: should the thread die, the run is done again.
    this.#thread?.worker.postMessage({ type: 'run', id, part, feeds } satisfies ToWorker, []);
    this.#watch.begin(part, runs.length);
  }

  /** Takes batch `id` off the thread and begins the next one; nothing when the batch is no longer there. */
  #settle(id: number): PendingRun[] {
    const batch = this.#running;
    if (batch?.id !== id) return [];
    this.#running = undefined;
    this.#watch.stop();
    void this.#advance();
    return batch.runs;
  }

  #onResult({ id, outputs, computeMs }: Extract<FromWorker, { type: 'result' }>): void {
    const runs = this.#settle(id);
    const [first] = runs;
    if (first === undefined) return;
    this.#watch.onRun(first.part, runs.length, computeMs);
    const tensors = this.#tensorsOf(first.part);
    const items = runs.map(({ feeds }) => itemsOf(tensors, feeds));
    const parts = runs.length === 1 ? [outputs] : splitOutputs(tensors, outputs, items);
    for (const [index, run] of runs.entries())
      run.resolve({ outputs: parts[index] ?? {}, computeMs: computeMs / runs.length });
  }

  /** Asks for all at once: the thread does them in order, before whatever is asked for later. */
  async #moveAll(moves: readonly Move[]): Promise<void> {
    await Promise.all(moves.map((move) => this.#move(move)));
  }

  #move({ part, to }: Move): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const id = this.#nextId++;
    this.#moves.set(id, { part, resolve, reject });
    this.#residence.onAsked({ part, to });
    this.#thread?.worker.postMessage({ type: 'move', id, part, to } satisfies ToWorker, []);
    return promise;
  }

  #tensorsOf(name: string): PartTensors {
    return this.#setup.parts.find((part) => part.name === name) ?? { inputs: [], outputs: [] };
  }

  /** @throws GlimpseError GENERATOR_DOWN while too many hang */
  #startThread(): Thread {
    if (this.#hanging.size >= HANGING_MAX) throw hangingError();
    this.#starts += 1;
    if (this.#starts > 1) this.#onRestart();
    const load = this.#residence.movesForAll().map(({ part }) => part);
    const worker = new Worker(workerUrl(), { workerData: { ...this.#setup, load } satisfies WorkerSetup });
    const ready = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<void>();
    // Whoever awaits `start` sees the failure; a failure nobody waits for must not end the process.
    ready.promise.catch(() => {});
    let cause: unknown;
    worker.on('message', (message: FromWorker) => {
      if (!this.#hanging.has(worker)) this.#onMessage(message, ready);
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      const error = new GlimpseError('GENERATOR_DOWN', { message: 'The inference thread has ended.', cause });
      ready.reject(error);
      if (!this.#hanging.delete(worker)) this.#onExit(error);
      exited.resolve();
    });
    return { worker, ready: ready.promise, exited: exited.promise, giveUp: exited.resolve };
  }

  #onMessage(message: FromWorker, ready: PromiseWithResolvers<void>): void {
    switch (message.type) {
      case 'ready':
        for (const moved of message.moved) this.#residence.onMoved(moved);
        return ready.resolve();
      case 'moved':
        this.#residence.onMoved(message);
        this.#moves.get(message.id)?.resolve();
        this.#moves.delete(message.id);
        return;
      case 'result':
        return this.#onResult(message);
      case 'failed':
        return this.#onFailed(message, ready);
    }
  }

  #onFailed(message: Extract<FromWorker, { type: 'failed' }>, ready: PromiseWithResolvers<void>): void {
    const error = new GlimpseError(message.code, message);
    if (message.id === undefined) return ready.reject(error);
    const move = this.#moves.get(message.id);
    this.#moves.delete(message.id);
    if (move) this.#residence.onFailed(move.part);
    move?.reject(error);
    for (const run of this.#settle(message.id)) run.reject(error);
  }

  /** The run in progress takes so long that its thread will not be waited for. */
  #onHang(): void {
    const thread = this.#thread;
    if (thread === undefined) return;
    const { worker } = thread;
    this.#hanging.add(worker);
    // Should it ever answer, it ends; until then it keeps nobody else alive.
    worker.postMessage({ type: 'close' } satisfies ToWorker, []);
    worker.unref();
    thread.giveUp();
    this.#onExit(new GlimpseError('GENERATOR_DOWN', { message: 'The inference thread does not answer.' }));
  }

  /** What was running is done again by the next thread; what takes down every thread is given up. */
  #onExit(error: GlimpseError): void {
    this.#thread = undefined;
    this.#watch.stop();
    this.#residence.onThreadGone();
    for (const move of this.#moves.values()) move.reject(error);
    this.#moves.clear();
    const runs = this.#running?.runs ?? [];
    this.#running = undefined;
    for (const run of runs) run.deaths += 1;
    if (this.#closed === undefined) this.#queue.unshift(...runs.filter(({ deaths }) => deaths < DEATHS_MAX));
    const lost = this.#closed === undefined ? runs.filter(({ deaths }) => deaths >= DEATHS_MAX) : runs;
    for (const run of lost) run.reject(error);
    void this.#advance();
  }
}

/** Run as it stands this file is TypeScript, compiled it is JavaScript; its neighbour is of the same kind. */
const workerUrl = (): URL => new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

const closedError = (): GlimpseError => new GlimpseError('GENERATOR_DOWN', { message: 'The generator is closed.' });

const hangingError = (): GlimpseError =>
  new GlimpseError('GENERATOR_DOWN', {
    message: 'Several inference threads do not answer.',
    details: { hanging: HANGING_MAX },
  });

const queueError = (): GlimpseError =>
  new GlimpseError('GENERATOR_DOWN', {
    message: 'Too many runs are waiting for the inference thread.',
    details: { maxRuns: QUEUE_MAX_RUNS },
  });
