/**
 * Runs the units of one tier in order. Each is requested while the one before it runs, so the process's next run is
 * ready in time, unless a more urgent unit comes in between. At most two are requested at a time.
 */
import type { GenerateOptions } from '../../generator.ts';
import type { PartName } from '../pack/model-pack.ts';
import type { Feeds, Run } from '../runtime/run.ts';
import type { Tensors } from '../process/tensor.ts';
import type { ModelUnit, ModelUnits } from './model-units.ts';

export interface LineUnit {
  /** Units of one kind may run as one. */
  kind: string;
  data: Run & { part: PartName };
  onEnd(outputs: Tensors): void;
}

/** A unit that runs `part`. @param keeps the units after it use its outputs */
export const lineUnit = (
  { part, kind, keeps = false }: { part: PartName; kind: string; keeps?: boolean },
  feeds: Feeds,
  onEnd: (outputs: Tensors) => void,
): LineUnit => ({ kind, data: { part, feeds, keeps }, onEnd });

export class UnitLine {
  readonly #units: ModelUnits;
  readonly #options: GenerateOptions;

  constructor(units: ModelUnits, options: GenerateOptions) {
    this.#units = units;
    this.#options = options;
  }

  /** Runs them all. @returns the time in the model, in ms. @throws GlimpseError ABORTED, GENERATOR_DOWN */
  async run(line: readonly LineUnit[]): Promise<number> {
    const { signal, turn = (unit) => unit.run() } = this.#options;
    // What follows a unit that has failed must not start.
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    let spentMs = 0;
    let before: ModelUnit | undefined;
    let ended: Promise<void> | undefined;
    for (const next of line) {
      const { kind, data } = next;
      data.signal = either;
      const unit = this.#units.unit(kind, data, ({ outputs, computeMs }) => {
        spentMs += computeMs;
        next.onEnd(outputs);
      });
      unit.after = before;
      before = unit;
      const asked = turn(unit);
      // The awaiting caller sees the failure.
      asked.catch(() => failed.abort());
      await ended;
      ended = asked;
    }
    await ended;
    return spentMs;
  }
}
