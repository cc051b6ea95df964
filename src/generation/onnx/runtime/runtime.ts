/**
 * The inference worker as seen from the main thread. `run` returns a promise; runs go one at a time, first come first
 * served, and those requested together that fit together are one run. A run requested ahead waits in the thread and can
 * be withdrawn until it starts. If the thread dies, a new one repeats its runs, once: latents are in the main thread
 * too, so nothing else is lost. A run that kills two threads rejects with GENERATOR_DOWN. A thread that does not answer
 * counts as dead. `close` waits for its end.
 */
import { GlimpseError, toGlimpseError } from '../../../errors.ts';
import type { Activation } from '../../engine/model-memory.ts';
import type { PartTensors } from '../thread/batching.ts';
import { InferenceThread } from '../thread/inference-thread.ts';
import type { Move, PartInfo } from './part-memory.ts';
import { PartResidence } from './part-residence.ts';
import { PartMoves } from './part-moves.ts';
import type { ClaimSlot } from '../thread/run-claims.ts';
import { closedError, downError } from '../thread/thread-error.ts';
import { RunQueue, type Feeds, type PendingRun, type RunOptions, type RunResult } from './run-queue.ts';
import { RunWatch } from '../thread/run-watch.ts';
import { ThreadRuns, type Batch } from '../thread/thread-runs.ts';
import type { FromWorker, PostedFeeds, WorkerSetup } from '../thread/worker-protocol.ts';
import { kept } from '../../../lifetime/kept-promise.ts';

/** Most hanging threads: each keeps its parts in memory. Beyond this no new thread starts. */
const HANGING_MAX = 3;

export interface RuntimeOptions {
  /** Called whenever a thread that died has been replaced. */
  onRestart?: (() => void) | undefined;
  /** Memory of all parts together; default: no limit. */
  budgetBytes?: number | undefined;
}

export class OnnxRuntime implements AsyncDisposable {
  readonly #setup: Omit<WorkerSetup, 'load' | 'claims'>;
  readonly #onRestart: () => void;
  readonly #residence: PartResidence;
  readonly #moves: PartMoves;
  readonly #runs = new ThreadRuns();
  readonly #queue = new RunQueue((run) => void this.#runs.takeBack(run));
  #thread: InferenceThread | undefined;
  /** Abandoned threads that have not ended. */
  readonly #hanging = new Set<InferenceThread>();
  readonly #watch = new RunWatch(() => this.#onHang());
  #starts = 0;
  #nextId = 0;
  #closed: Promise<void> | undefined;

  constructor(
    setup: Omit<WorkerSetup, 'load' | 'claims'>,
    { onRestart = () => {}, budgetBytes = Infinity }: RuntimeOptions = {},
  ) {
    this.#setup = setup;
    this.#onRestart = onRestart;
    this.#residence = new PartResidence({ parts: setup.parts, budgetBytes });
    this.#moves = new PartMoves(this.#residence);
  }

  /** Every part with its state and size, in the order of the setup. */
  get parts(): readonly PartInfo[] {
    return this.#residence.parts;
  }

  get budgetBytes(): number {
    return this.#residence.budgetBytes;
  }

  /** Keeps only the part in use loaded: slow, with the least memory. */
  set lowMemory(on: boolean) {
    this.#residence.lowMemory = on;
  }

  /** How often a dead thread was replaced. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  /**
   * Starts the thread with the parts that fit the budget; does nothing when it runs.
   * @throws GlimpseError MEMORY_BUDGET if a part does not fit even alone, MODEL_INVALID if it does not match its
   *   manifest, GENERATOR_DOWN if the thread dies
   */
  async start(): Promise<void> {
    if (this.#closed !== undefined) throw closedError();
    this.#residence.check();
    this.#thread ??= this.#startThread();
    await this.#thread.ready;
  }

  /**
   * Runs a part. The feeds are copied to the thread, so they must not change before the run has ended. Aborting rejects
   * with ABORTED at once; the thread finishes a started run, and its result is dropped.
   * @throws GlimpseError ABORTED, GENERATOR_DOWN, MODEL_INVALID
   */
  run(part: string, feeds: Feeds, options: RunOptions = {}): Promise<RunResult> {
    return this.begin(part, feeds, options).result;
  }

  /** As `run`, for callers that may withdraw it or continue from outputs that are not there yet. */
  begin(part: string, feeds: Feeds, options: RunOptions = {}): PendingRun {
    const run = this.#queue.push(part, feeds, options);
    if (this.#closed !== undefined) this.#queue.rejectAll(closedError);
    // Deferred: runs requested in the same turn may join.
    queueMicrotask(() => void this.#advance());
    return run;
  }

  /** True if the run has not started; then it never does, and its result rejects with ABORTED. */
  withdraw(run: PendingRun): boolean {
    if (!this.#queue.remove(run) && !this.#runs.takeBack(run)) return false;
    run.reject(new GlimpseError('ABORTED'));
    return true;
  }

  /** Loads what fits of all parts, in the order of the setup. @throws GlimpseError MODEL_INVALID, GENERATOR_DOWN */
  async activate(): Promise<Activation> {
    const startedMs = performance.now();
    const hit = this.#thread !== undefined && this.parts.every(({ state }) => state !== 'cold');
    await this.start();
    // One after another, so that a waiting draft runs as soon as its own parts are loaded.
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
    return (this.#closed ??= kept(this.#close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#queue.rejectAll(closedError);
    // Handled in order: the thread finishes what it has, then closes.
    this.#thread?.post({ type: 'close' });
    await this.#thread?.exited;
  }

  /** Starts the next run when the thread is free. */
  async #advance(): Promise<void> {
    if (this.#runs.running !== undefined) return this.#lookAhead();
    const runs = this.#queue.takeBatch((part) => this.#tensorsOf(part));
    const [first] = runs;
    if (first === undefined) return;
    const batch = this.#runs.begin(this.#nextId++, runs);
    const { part } = first;
    try {
      await this.start();
      if (this.#isForgotten(batch)) return;
      await this.#moveAll(this.#residence.movesFor(part));
      if (this.#isForgotten(batch)) return;
      this.#post(
        batch,
        runs.map(({ feeds }) => feeds),
      );
      this.#watchRunning(batch);
      this.#lookAhead();
    } catch (error) {
      for (const run of this.#settle(batch.id)) run.reject(toGlimpseError(error));
    }
  }

  /** Gives the thread its next run before the current one ends, if allowed and no part must be loaded for it. */
  #lookAhead(): void {
    const { running } = this.#runs;
    const next = this.#queue.first;
    if (running === undefined || next === undefined || this.#closed !== undefined) return;
    const feeds = this.#runs.feedsAhead(next);
    if (feeds === undefined || this.#residence.movesFor(next.part).length > 0) return;
    this.#queue.remove(next);
    const batch = this.#runs.waitBehind(running, this.#nextId++, next);
    this.#post(batch, [feeds], batch.slot);
  }

  #watchRunning({ runs }: Batch): void {
    const [first] = runs;
    if (first) this.#residence.onRun(first.part, performance.now() * 1000);
    if (first) this.#watch.begin(first.part, runs.length);
  }

  /** True if the batch must not be posted: its thread died and the next one repeats it, or no caller waits for it. */
  #isForgotten(batch: Batch): boolean {
    if (this.#runs.running !== batch) return true;
    const isForgotten = batch.runs.every(({ aborted }) => aborted);
    if (isForgotten) this.#settle(batch.id);
    return isForgotten;
  }

  #post(batch: Batch, feeds: readonly PostedFeeds[], claim?: ClaimSlot): void {
    const { id, runs } = batch;
    const [first] = runs;
    if (this.#closed !== undefined || first === undefined) throw closedError();
    const keeps = first.keeps && runs.length === 1;
    this.#thread?.post({ type: 'run', id, part: first.part, feeds, keeps, ...(claim === undefined ? {} : { claim }) });
    batch.posted = true;
  }

  /** Removes batch `id`, and the thread goes on with the next; empty if the batch is no longer there. */
  #settle(id: number): readonly PendingRun[] {
    const batch = this.#runs.settle(id);
    if (batch === undefined) return [];
    this.#watch.stop();
    if (this.#runs.running) this.#watchRunning(this.#runs.running);
    void this.#advance();
    return batch.runs;
  }

  #onResult({ id, outputs, computeMs }: Extract<FromWorker, { type: 'result' }>): void {
    const { id: running, runs = [] } = this.#runs.running ?? {};
    const [first] = runs;
    if (running !== id || first === undefined) return;
    this.#watch.onRun(first.part, runs.length, computeMs);
    // Before the next run starts: it may use these outputs.
    for (const [index, run] of runs.entries()) Object.assign(run, { outputs: outputs[index] ?? {}, feeds: {} });
    this.#settle(id);
    for (const run of runs) run.resolve({ outputs: run.outputs ?? {}, computeMs: computeMs / runs.length });
  }

  /** Requests all moves at once: the thread does them in order, before later requests. */
  async #moveAll(moves: readonly Move[]): Promise<void> {
    await Promise.all(moves.map((move) => this.#move(move)));
  }

  #move(move: Move): Promise<void> {
    const id = this.#nextId++;
    this.#thread?.post({ type: 'move', id, ...move });
    return this.#moves.asked(id, move);
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
    // A replacement thread loads parts only on demand, because viewers wait for pictures.
    const load = this.#starts > 1 ? [] : this.#residence.movesForAll().map(({ part }) => part);
    const onExit = (error: GlimpseError): void => {
      if (!this.#hanging.delete(thread)) this.#onExit(error);
    };
    const onMessage = (message: FromWorker): void => this.#onMessage(message);
    const thread = new InferenceThread({ ...this.#setup, load, claims: this.#runs.claims }, { onMessage, onExit });
    return thread;
  }

  #onMessage(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        for (const moved of message.moved) this.#residence.onMoved(moved);
        return;
      case 'moved':
        return this.#moves.onMoved(message.id, message);
      case 'result':
        return this.#onResult(message);
      case 'failed':
        return this.#onFailed(message);
    }
  }

  #onFailed(message: Extract<FromWorker, { type: 'failed' }>): void {
    if (message.id === undefined) return;
    const error = new GlimpseError(message.code, message);
    this.#moves.onFailed(message.id, error);
    for (const run of this.#settle(message.id)) run.reject(error);
  }

  /** The current run hangs: abandons its thread. */
  #onHang(): void {
    if (this.#thread === undefined) return;
    this.#hanging.add(this.#thread);
    this.#thread.abandon();
    this.#onExit(downError('The inference thread does not answer.'));
  }

  /** The next thread repeats interrupted runs; a run that kills every thread is given up. */
  #onExit(error: GlimpseError): void {
    this.#thread = undefined;
    this.#watch.stop();
    this.#moves.onThreadGone(error);
    const { again, lost } = this.#runs.lose();
    if (this.#closed === undefined) this.#queue.putBack(again);
    else lost.push(...again);
    for (const run of lost) run.reject(error);
    void this.#advance();
  }
}
