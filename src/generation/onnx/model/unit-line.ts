/**
 * Runs the units of one tier in order. Each is requested while the one before it runs, so the thread's next run is
 * ready in time, unless a more urgent unit comes in between. At most two are requested at a time.
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
  /** The unit after it uses its outputs. */
  keeps?: boolean;
  /** @param before the run of the previous unit, while it has started and not ended */
  feeds(before: PendingRun | undefined): Feeds;
  onEnd(outputs: Tensors): void;
}

interface Asked {
  work: UnitOfWork;
  state: 'waiting' | 'begun' | 'over' | 'failed';
  /** Set while it runs. */
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
    // The awaiting caller sees the failure. The next unit is then not awaited, and must not start.
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
