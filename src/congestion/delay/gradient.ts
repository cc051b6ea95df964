/** The delay gradient of GCC (draft-ietf-rmcat-gcc-02 section 5): arrival groups, their trend, overuse detection. */
import { ArrivalGroups } from './arrival-groups.ts';
import { OveruseDetector, type PathUse } from './overuse.ts';
import { Trendline } from './trendline.ts';

export class Gradient {
  readonly #groups = new ArrivalGroups();
  readonly #trendline = new Trendline();
  readonly #overuse = new OveruseDetector();

  /** Takes one received packet, in order of arrival. */
  add(sentAtUs: number, arrivedAtUs: number): void {
    const delta = this.#groups.add(sentAtUs, arrivedAtUs);
    if (!delta) return;
    const trend = this.#trendline.update(delta);
    this.#overuse.update(trend, delta.sendDeltaUs / 1_000, delta.arrivedAtUs / 1_000);
  }

  get state(): PathUse {
    return this.#overuse.state;
  }

  /** Dimensionless; compares with the threshold. */
  get trend(): number {
    return this.#trendline.trend;
  }

  get threshold(): number {
    return this.#overuse.threshold;
  }

  reset(): void {
    this.#groups.reset();
    this.#trendline.reset();
    this.#overuse.reset();
  }
}
