/**
 * The inference worker as seen from the main thread: `run` is a promise, one run at a time, first come first served; runs
 * that are asked for together and fit together are one run of the model. When the thread dies another one takes its place
 * and does the run again, once: latents live in the main thread, so nothing but that step is lost. A run that takes two
 * threads down rejects with GENERATOR_DOWN. A thread that does not answer counts as dead. `close` waits for its end.
 */
import { GlimpseError, toGlimpseError } from '../../errors.ts';
import type { Activation } from '../model-memory.ts';
import type { PartTensors } from './batching.ts';
import { InferenceThread } from './inference-thread.ts';
import type { Move, PartInfo } from './part-memory.ts';
import { PartResidence } from './part-residence.ts';
import { RunQueue, type PendingRun, type RunResult } from './run-queue.ts';
import { RunWatch } from './run-watch.ts';
import type { Tensors } from './tensor.ts';
import type { FromWorker, WorkerSetup } from './worker-protocol.ts';

/** Threads one run may take down. */
const DEATHS_MAX = 2;
/** Hanging threads at once: each keeps its parts in memory. With more of them no other is started. */
const HANGING_MAX = 3;

interface Batch {
  id: number;
  runs: PendingRun[];
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
  readonly #queue = new RunQueue();
  #running: Batch | undefined;
  #thread: InferenceThread | undefined;
  /** Threads that were given up and have not ended. */
  readonly #hanging = new Set<InferenceThread>();
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
    const result = this.#queue.push(part, feeds, signal);
    // Not at once: what is asked for in the same turn may join.
    queueMicrotask(() => void this.#advance());
    return result;
  }

  /** Loads what fits of all parts, in the order of the setup. @throws GlimpseError MODEL_INVALID, GENERATOR_DOWN */
  async activate(): Promise<Activation> {
    const startedMs = performance.now();
    const hit = this.#thread !== undefined && this.parts.every(({ state }) => state !== 'cold');
    await this.start();
    // One after another, so that a draft that is waited for runs as soon as its own parts are there.
    for (const { part } of this.#residence.movesForAll()) {
      const move = this.#residence.movesForAll().find((candidate) => candidate.part === part);
      if (move) await this.#move(move);
    }
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
    this.#queue.rejectAll(closedError);
    const thread = this.#thread;
    if (thread === undefined) return;
    // Handled in order: the thread finishes what it has, then closes.
    thread.post({ type: 'close' });
    await thread.exited;
  }

  /** Starts the next run when the thread is free. */
  async #advance(): Promise<void> {
    if (this.#running !== undefined) return;
    const runs = this.#queue.takeBatch((part) => this.#tensorsOf(part));
    if (runs.length === 0) return;
    const batch: Batch = { id: this.#nextId++, runs };
    this.#running = batch;
    try {
      await this.start();
      const part = batch.runs[0]?.part ?? '';
      if (this.#isForgotten(batch)) return;
      await this.#moveAll(this.#residence.movesFor(part));
      if (this.#isForgotten(batch)) return;
      this.#residence.onRun(part, performance.now() * 1000);
      this.#post(batch);
    } catch (error) {
      for (const run of this.#settle(batch.id)) run.reject(toGlimpseError(error));
    }
  }

  /** The thread may have died meanwhile; then this batch waits for the next one. Or nobody waits for it any more. */
  #isForgotten(batch: Batch): boolean {
    if (this.#running !== batch) return true;
    if (batch.runs.some(({ aborted }) => !aborted)) return false;
    this.#settle(batch.id);
    return true;
  }

  #post({ id, runs }: Batch): void {
    const [first] = runs;
    if (this.#closed !== undefined || first === undefined) throw closedError();
    const { part } = first;
    this.#thread?.post({ type: 'run', id, part, feeds: runs.map((run) => run.feeds) });
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
    for (const [index, run] of runs.entries())
      run.resolve({ outputs: outputs[index] ?? {}, computeMs: computeMs / runs.length });
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
    this.#thread?.post({ type: 'move', id, part, to });
    return promise;
  }

  #tensorsOf(name: string): PartTensors {
    return this.#setup.parts.find((part) => part.name === name) ?? { inputs: [], outputs: [] };
  }

  /** @throws GlimpseError GENERATOR_DOWN while too many hang */
  #startThread(): InferenceThread {
    if (this.#hanging.size >= HANGING_MAX)
      throw downError('Several inference threads do not answer.', { hanging: HANGING_MAX });
    this.#starts += 1;
    if (this.#starts > 1) this.#onRestart();
    // One that takes another's place loads what is waited for, and the rest as it is asked for: viewers wait for pictures.
    const load = this.#starts > 1 ? [] : this.#residence.movesForAll().map(({ part }) => part);
    const onExit = (error: GlimpseError): void => {
      if (!this.#hanging.delete(thread)) this.#onExit(error);
    };
    const onMessage = (message: FromWorker): void => this.#onMessage(message);
    const thread = new InferenceThread({ ...this.#setup, load }, { onMessage, onExit });
    return thread;
  }

  #onMessage(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        for (const moved of message.moved) this.#residence.onMoved(moved);
        return;
      case 'moved':
        this.#residence.onMoved(message);
        this.#moves.get(message.id)?.resolve();
        this.#moves.delete(message.id);
        return;
      case 'result':
        return this.#onResult(message);
      case 'failed':
        return this.#onFailed(message);
    }
  }

  #onFailed(message: Extract<FromWorker, { type: 'failed' }>): void {
    if (message.id === undefined) return;
    const error = new GlimpseError(message.code, message);
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
    this.#hanging.add(thread);
    thread.abandon();
    this.#onExit(downError('The inference thread does not answer.'));
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
    if (this.#closed === undefined) this.#queue.putBack(runs.filter(({ deaths }) => deaths < DEATHS_MAX));
    const lost = this.#closed === undefined ? runs.filter(({ deaths }) => deaths >= DEATHS_MAX) : runs;
    for (const run of lost) run.reject(error);
    void this.#advance();
  }
}

const downError = (message: string, details: Record<string, number> = {}): GlimpseError =>
  new GlimpseError('GENERATOR_DOWN', { message, details });

const closedError = (): GlimpseError => downError('The generator is closed.');
