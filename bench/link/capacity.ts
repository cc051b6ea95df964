/**
 * What a path carries over time: piecewise constant, with outages in which nothing is served. All times are on whatever
 * clock the caller uses; nothing here knows the present.
 */
export interface CapacityStep {
  fromUs: number;
  /** 0: an outage until the next step. */
  bps: number;
}

/** Half-open: [fromUs, toUs). */
export interface Span {
  fromUs: number;
  toUs: number;
}

export const within = (spans: readonly Span[], nowUs: number): boolean =>
  spans.some(({ fromUs, toUs }) => nowUs >= fromUs && nowUs < toUs);

export class CapacitySchedule {
  /** Outages cut in. */
  readonly #pieces: readonly CapacityStep[];
  /** As if there were no outage; what a queue of so many ms is sized by. */
  readonly #nominal: readonly CapacityStep[];

  /** @param steps by time; what the first one says also holds before it. */
  constructor(steps: readonly CapacityStep[], outages: readonly Span[] = []) {
    this.#nominal = withoutZeros(steps);
    const cuts = new Set([
      ...steps.map(({ fromUs }) => fromUs),
      ...outages.flatMap(({ fromUs, toUs }) => [fromUs, toUs]),
    ]);
    this.#pieces = [...cuts]
      .toSorted((a, b) => a - b)
      .map((fromUs) => ({ fromUs, bps: within(outages, fromUs) ? 0 : stepAt(steps, fromUs).bps }));
  }

  bpsAt(nowUs: number): number {
    return stepAt(this.#pieces, nowUs).bps;
  }

  nominalBpsAt(nowUs: number): number {
    return stepAt(this.#nominal, nowUs).bps;
  }

  /** When `bits` that begin to be served at `startUs` are through; Infinity when capacity never comes back. */
  servedAtUs(startUs: number, bits: number): number {
    let atUs = startUs;
    let left = bits;
    for (let index = indexAt(this.#pieces, startUs); ; index++) {
      const { bps } = this.#pieces[index]!;
      const untilUs = this.#pieces[index + 1]?.fromUs ?? Infinity;
      const doneUs = bps === 0 ? Infinity : atUs + (left * 1_000_000) / bps;
      if (doneUs <= untilUs || untilUs === Infinity) return doneUs;
      left -= (bps * (untilUs - atUs)) / 1_000_000;
      atUs = untilUs;
    }
  }

  /** How many bits a path that is never idle serves between two instants. */
  bitsBetween(fromUs: number, toUs: number): number {
    let bits = 0;
    let atUs = fromUs;
    for (let index = indexAt(this.#pieces, fromUs); atUs < toUs; index++) {
      const untilUs = Math.min(this.#pieces[index + 1]?.fromUs ?? Infinity, toUs);
      bits += (this.#pieces[index]!.bps * (untilUs - atUs)) / 1_000_000;
      atUs = untilUs;
    }
    return bits;
  }
}

const stepAt = (steps: readonly CapacityStep[], nowUs: number): CapacityStep => steps[indexAt(steps, nowUs)]!;

/** Index of the step in force, by bisection; 0 before the first. */
function indexAt(steps: readonly CapacityStep[], nowUs: number): number {
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (steps[middle]!.fromUs <= nowUs) low = middle;
    else high = middle - 1;
  }
  return low;
}

function withoutZeros(steps: readonly CapacityStep[]): CapacityStep[] {
  const kept = steps.filter(({ bps }) => bps > 0);
  return kept.length > 0 ? kept : [{ fromUs: 0, bps: 1 }];
}
