/**
 * The inference process as seen from the service. Batches run in the order in which they are begun; what runs together
 * and what comes first is decided before (engine/scheduler.ts). A batch goes to the process at once and waits there
 * behind those before it; until it starts it can be withdrawn. If the process dies, a new one repeats its batches, once:
 * latents are here too, so nothing else is lost. A batch that kills two processes rejects with GENERATOR_DOWN. A process
 * that does not answer is killed. `close` waits for its end.
 */
import { GlimpseError, toGlimpseError } from '../../../errors.ts';
import { kept } from '../../../lifetime/kept-promise.ts';
import type { Activation } from '../../engine/model-memory.ts';
import { InferenceProcess } from '../process/inference-process.ts';
import { RunWatch } from '../process/run-watch.ts';
import { closedError, downError } from '../process/down-error.ts';
import type { Answer, WorkerSetup } from '../process/worker-protocol.ts';
import { BATCHES_MAX, BegunBatches, isForgotten, pendingRun, type Batch } from './begun-batches.ts';
import type { Move, PartInfo } from './part-memory.ts';
import { PartMoves } from './part-moves.ts';
import { PartResidence } from './part-residence.ts';
import type { BegunBatch, Feeds, Run, RunResult } from './run.ts';

export interface RuntimeOptions {
  /** Called whenever a process that died has been replaced. */
  onRestart?: (() => void) | undefined;
  /** Memory of all parts together; default: no limit. */
  budgetBytes?: number | undefined;
}

export class OnnxRuntime implements AsyncDisposable {
  readonly #setup: Omit<WorkerSetup, 'load'>;
  readonly #onRestart: () => void;
  readonly #residence: PartResidence;
  readonly #moves: PartMoves;
  readonly #batches = new BegunBatches();
  readonly #watch = new RunWatch(() => this.#process?.kill('The inference process does not answer.'));
  #process: InferenceProcess | undefined;
  /** The process takes work. */
  #isReady = false;
  #starts = 0;
  #nextId = 0;
  #closed: Promise<void> | undefined;

  constructor(setup: Omit<WorkerSetup, 'load'>, { onRestart = () => {}, budgetBytes = Infinity }: RuntimeOptions = {}) {
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

  /** How often a dead process was replaced. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  /** Resident memory of the process; 0 without one. */
  processBytes(): Promise<number> {
    return this.#process?.residentBytes() ?? Promise.resolve(0);
  }

  /**
   * Starts the process with the parts that fit the budget; does nothing when it runs.
   * @throws GlimpseError MEMORY_BUDGET if a part does not fit even alone, MODEL_INVALID if it does not match its
   *   manifest, GENERATOR_DOWN if the process dies
   */
  async start(): Promise<void> {
    if (this.#closed !== undefined) throw closedError();
    this.#residence.check();
    this.#process ??= this.#startProcess();
    await this.#process.ready;
  }

  /** Runs a part by itself. @throws GlimpseError ABORTED, GENERATOR_DOWN, MODEL_INVALID, MEMORY_BUDGET */
  async run(part: string, feeds: Feeds, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<RunResult> {
    const [result] = this.begin([{ part, feeds, signal }]).results;
    if (result === undefined) throw new GlimpseError('INTERNAL');
    return result;
  }

  /** Runs of one part as one batch, behind those begun before. Results reject as `run`. */
  begin(runs: readonly Run[]): BegunBatch {
    const pending = runs.map((run) => pendingRun(run, () => this.#forget(batch)));
    const batch = this.#batches.add(pending);
    if (isForgotten(batch)) this.#batches.remove(batch);
    else if (this.#closed !== undefined) this.#reject(batch, closedError());
    else if (this.#batches.size > BATCHES_MAX) this.#reject(batch, downError('Too many runs wait.', { BATCHES_MAX }));
    else this.#post();
    return { results: pending.map(({ result }) => result), withdraw: () => this.#withdraw(batch) };
  }

  /** False if a part would have to be loaded first, which then better waits until it is sure that it is needed. */
  mayFollow(part: string): boolean {
    return this.#isReady && this.#residence.movesFor(part).length === 0;
  }

  /** Loads what fits of all parts, in the order of the setup. @throws GlimpseError MODEL_INVALID, GENERATOR_DOWN */
  async activate(): Promise<Activation> {
    const startedMs = performance.now();
    const hit = this.#process !== undefined && this.parts.every(({ state }) => state !== 'cold');
    await this.start();
    // One after another, so that a waiting draft runs as soon as its own parts are loaded.
    for (const { part } of this.#residence.movesForAll()) {
      const move = this.#residence.movesForAll().find((candidate) => candidate.part === part);
      if (move) await this.#move(move);
    }
    return { hit, ms: performance.now() - startedMs };
  }

  /** Releases every part, after the runs begun before. @throws GlimpseError GENERATOR_DOWN */
  async rest(to: 'half-loaded' | 'cold'): Promise<void> {
    if (this.#process === undefined || this.#closed !== undefined) return;
    await this.#process.ready;
    await Promise.all(this.#residence.movesToRest(to).map((move) => this.#move(move)));
  }

  /** Lets the batch in progress finish, rejects those behind it, and ends the process. Idempotent, never throws. */
  close(): Promise<void> {
    return (this.#closed ??= kept(this.#close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const last = this.#batches.first;
    for (const batch of this.#batches.removeAll({ except: last?.id === undefined ? 0 : 1 })) {
      if (batch.id !== undefined) this.#process?.post({ type: 'withdraw', id: batch.id });
      rejectRuns(batch, closedError());
    }
    await Promise.allSettled(last?.runs.map(({ result }) => result) ?? []);
    await this.#process?.close();
  }

  /** Gives the process what it does not have yet, and starts it if there is none. */
  #post(): void {
    const { unposted } = this.#batches;
    if (unposted.length === 0) return;
    if (this.#isReady) for (const batch of unposted) this.#postBatch(batch);
    else this.start().catch((error: unknown) => this.#onStartFailed(toGlimpseError(error)));
  }

  #postBatch(batch: Batch): void {
    const feeds = this.#batches.takeFeeds(batch);
    const [first] = batch.runs;
    if (first === undefined) return this.#batches.remove(batch);
    const { part } = first.run;
    const keeps = batch.runs.some(({ run }) => run.keeps === true);
    const { settledId } = this.#batches;
    try {
      for (const move of this.#residence.movesFor(part)) this.#moveFor(batch, move);
      batch.id = this.#nextId++;
      this.#process?.post({ type: 'run', id: batch.id, part, feeds, keeps, settledId });
    } catch (error) {
      return this.#reject(batch, toGlimpseError(error));
    }
    if (batch === this.#batches.first) this.#watchFirst();
  }

  /** A load before the batch, in the order in which both are posted. */
  #moveFor(batch: Batch, move: Move): void {
    batch.movesLeft += 1;
    this.#move(move).then(
      () => {
        batch.movesLeft -= 1;
        if (batch === this.#batches.first) this.#watchFirst();
      },
      (error: unknown) => {
        const failure = toGlimpseError(error);
        // After a death the batch is posted again, with loads of its own.
        if (failure.code !== 'GENERATOR_DOWN') batch.error = failure;
      },
    );
  }

  /** The first batch runs from now on: once its parts are loaded. */
  #watchFirst(): void {
    this.#watch.stop();
    const { first } = this.#batches;
    const [pending] = first?.runs ?? [];
    if (first?.id === undefined || first.movesLeft > 0 || pending === undefined) return;
    this.#residence.onRun(pending.run.part, performance.now() * 1000);
    this.#watch.begin(pending.run.part, first.runs.length);
  }

  async #withdraw(batch: Batch): Promise<boolean> {
    if (!this.#batches.has(batch)) return false;
    if (batch.id === undefined) this.#onWithdrawn(batch);
    else if (batch.withdrawn === undefined) {
      batch.withdrawn = Promise.withResolvers();
      this.#process?.post({ type: 'withdraw', id: batch.id });
    }
    return batch.withdrawn?.promise ?? true;
  }

  #onWithdrawn(batch: Batch): void {
    this.#batches.remove(batch, true);
    rejectRuns(batch, new GlimpseError('ABORTED'));
    this.#watchFirst();
  }

  /** No caller waits for it any more: it need not start. */
  #forget(batch: Batch): void {
    if (isForgotten(batch)) void this.#withdraw(batch);
  }

  #reject(batch: Batch, error: GlimpseError): void {
    this.#batches.remove(batch);
    rejectRuns(batch, error);
  }

  #move(move: Move): Promise<void> {
    const id = this.#nextId++;
    this.#process?.post({ type: 'move', id, ...move });
    return this.#moves.asked(id, move);
  }

  #startProcess(): InferenceProcess {
    this.#starts += 1;
    if (this.#starts > 1) this.#onRestart();
    // A replacement loads parts only on demand, because viewers wait for pictures.
    const load = this.#starts > 1 ? [] : this.#residence.movesForAll().map(({ part }) => part);
    return new InferenceProcess(
      { ...this.#setup, load },
      { onMessage: (message) => this.#onMessage(message), onExit: (error) => this.#onExit(error) },
    );
  }

  #onMessage(message: Answer): void {
    switch (message.type) {
      case 'ready':
        for (const moved of message.moved) this.#residence.onMoved(moved);
        this.#isReady = true;
        return this.#post();
      case 'moved':
        return this.#moves.onMoved(message.id, message);
      case 'result':
        return this.#onResult(message);
      case 'withdrawn': {
        const batch = this.#batches.find(message.id);
        return batch && this.#onWithdrawn(batch);
      }
      case 'failed':
        return this.#onFailed(message);
    }
  }

  #onResult({ id, outputs, computeMs }: Extract<Answer, { type: 'result' }>): void {
    const batch = this.#batches.find(id);
    const [first] = batch?.runs ?? [];
    if (batch === undefined || first === undefined) return;
    this.#watch.onRun(first.run.part, batch.runs.length, computeMs);
    this.#batches.remove(batch);
    this.#watchFirst();
    for (const [index, pending] of batch.runs.entries()) {
      const own = outputs[index] ?? {};
      if (pending.run.keeps === true) pending.run.outputs = own;
      pending.resolve({ outputs: own, computeMs: computeMs / batch.runs.length });
    }
  }

  #onFailed(message: Extract<Answer, { type: 'failed' }>): void {
    const error = new GlimpseError(message.code, message);
    if (message.id === undefined) return this.#onStartFailed(error);
    this.#moves.onFailed(message.id, error);
    const batch = this.#batches.find(message.id);
    if (batch === undefined) return;
    this.#reject(batch, batch.error ?? error);
    this.#watchFirst();
  }

  /** Rejects what waits for a process that cannot start. A process that died is another matter: see `#onExit`. */
  #onStartFailed(error: GlimpseError): void {
    if (error.code === 'GENERATOR_DOWN') return;
    for (const batch of this.#batches.removeAll()) rejectRuns(batch, error);
  }

  #onExit(error: GlimpseError): void {
    this.#process = undefined;
    this.#isReady = false;
    this.#watch.stop();
    this.#moves.onProcessGone(error);
    const { lost, withdrawn } = this.#batches.onDeath();
    for (const batch of lost) rejectRuns(batch, error);
    for (const batch of withdrawn) rejectRuns(batch, new GlimpseError('ABORTED'));
    if (this.#closed === undefined) return this.#post();
    for (const batch of this.#batches.removeAll()) rejectRuns(batch, error);
  }
}

function rejectRuns({ runs }: Batch, error: GlimpseError): void {
  for (const pending of runs) pending.reject(error);
}
