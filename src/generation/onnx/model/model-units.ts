/**
 * Units of work of the embedded model: runs of a part as data, each with what becomes of its outputs. The scheduler
 * decides which of them run together and which comes next; here they become batches of the runtime.
 */
import { GlimpseError } from '../../../errors.ts';
import type { BatchRunner, StartedBatch, UnitOfWork } from '../../generator.ts';
import type { Run, RunResult } from '../runtime/run.ts';
import type { OnnxRuntime } from '../runtime/runtime.ts';

export interface ModelUnit extends UnitOfWork {
  data: Run;
  onEnd(result: RunResult): void;
  batches: ModelUnits;
}

export class ModelUnits implements BatchRunner {
  readonly #runtime: OnnxRuntime;

  constructor(runtime: OnnxRuntime) {
    this.#runtime = runtime;
  }

  unit(kind: string, data: Run, onEnd: (result: RunResult) => void): ModelUnit {
    const unit: ModelUnit = { kind, data, onEnd, batches: this, run: () => this.#alone(unit) };
    return unit;
  }

  mayFollow({ data }: ModelUnit): boolean {
    return this.#runtime.mayFollow(data.part);
  }

  start(units: readonly ModelUnit[]): StartedBatch {
    const begun = this.#runtime.begin(units.map(({ data }) => data));
    const settled = Promise.allSettled(begun.results.map(async (result, index) => units[index]?.onEnd(await result)));
    let withdrawn: Promise<boolean> | undefined;
    return {
      ended: settled.then(async (all) => ((await withdrawn) === true ? undefined : all)),
      withdraw: () => void (withdrawn ??= begun.withdraw()),
    };
  }

  async #alone(unit: ModelUnit): Promise<void> {
    const [result] = (await this.start([unit]).ended) ?? [];
    if (result?.status !== 'fulfilled') throw result?.reason ?? new GlimpseError('INTERNAL');
  }
}
