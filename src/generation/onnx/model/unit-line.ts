/**
 * Units of one tier, one after another, each asked for while the one before it still runs: so the thread has its next run
 * when it ends the present one, if nobody more urgent came in between. At most two are asked for at a time.
 */
import { GlimpseError } from '../../../errors.ts';
import type { GenerateOptions, UnitOfWork } from '../../generator.ts';
import type { PartName } from '../pack/model-pack.ts';
import type { Feeds, PendingRun } from '../runtime/run-queue.ts';
import type { OnnxRuntime } from '../runtime/runtime.ts';
import type { Tensors } from '../thread/tensor.ts';

export interface ModelUnit {
  part: PartName;
  /** Units of one kind may run as one. */
  kind: string;
  /** The unit after it goes on from its outputs. */
  keeps?: boolean;
  /** @param before the run of the unit before, when that has begun and not ended */
  feeds(before: PendingRun | undefined): Feeds;
  onEnd(outputs: Tensors): void;
}

interface Asked {
  work: UnitOfWork;
  state: 'waiting' | 'begun' | 'over' | 'failed';
  /** While it is begun. */
  run?: PendingRun | undefined;
  ended: Promise<void>;
}

export class UnitLine {
  readonly #runtime: OnnxRuntime;
  readonly #options: GenerateOptions;
  #spentMs = 0;

  constructor(runtime: OnnxRuntime, options: GenerateOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Runs them all. @returns the time in the model, in ms. @throws GlimpseError ABORTED, GENERATOR_DOWN */
  async run(units: readonly ModelUnit[]): Promise<number> {
    this.#spentMs = 0;
    let before: Asked | undefined;
    for (const unit of units) {
      const asked = this.#ask(unit, before);
      await before?.ended;
      before = asked;
    }
    await before?.ended;
    return this.#spentMs;
  }

  #ask(unit: ModelUnit, before: Asked | undefined): Asked {
    const { turn } = this.#options;
    const work: UnitOfWork = {
      kind: unit.kind,
      run: () => this.#run(unit, asked, before),
      withdraw: () => this.#withdraw(asked),
      ...(before && { after: before.work }),
    };
    const asked: Asked = { work, state: 'waiting', ended: Promise.resolve() };
    asked.ended = turn?.(work) ?? work.run();
    // Whoever awaits it sees the failure; after one the next unit is not awaited, and must not begin.
    asked.ended.catch(() => (asked.state = 'failed'));
    return asked;
  }

  async #run(unit: ModelUnit, asked: Asked, before: Asked | undefined): Promise<void> {
    if (before?.state === 'failed') throw new GlimpseError('ABORTED');
    if (before?.state === 'waiting')
      throw new GlimpseError('INTERNAL', { message: 'a unit before the one it follows' });
    const { signal } = this.#options;
    const run = this.#runtime.begin(unit.part, unit.feeds(before?.run), {
      signal,
      keeps: unit.keeps ?? false,
      ahead: before !== undefined,
    });
    Object.assign(asked, { state: 'begun', run });
    const { outputs, computeMs } = await run.result;
    Object.assign(asked, { state: 'over', run: undefined });
    this.#spentMs += computeMs;
    unit.onEnd(outputs);
  }

  #withdraw(asked: Asked): boolean {
    if (asked.run === undefined || !this.#runtime.withdraw(asked.run)) return false;
    Object.assign(asked, { state: 'waiting', run: undefined });
    return true;
  }
}
