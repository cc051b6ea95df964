/** The highest tier to show a viewer, from their request or the machine's default, and the rungs to encode for it. */
import type { Rung } from '../picture/rung.ts';
import { lowerTier, tierRank, type Tier } from '../picture/tiers.ts';
import { rungsFor } from '../picture/rungs.ts';
import type { SessionDeps } from './deps.ts';

export type TierLimitDeps = Pick<SessionDeps, 'generator' | 'rungs' | 'defaultTierCap'>;

export class TierLimit {
  readonly #deps: TierLimitDeps;
  #tier: Tier;

  /** @param asked undefined: the tier that this machine was measured to sustain */
  constructor(asked: Tier | undefined, deps: TierLimitDeps) {
    this.#deps = deps;
    this.#tier = this.#within(asked ?? deps.defaultTierCap?.() ?? 'refined');
  }

  get tier(): Tier {
    return this.#tier;
  }

  set asked(tier: Tier) {
    this.#tier = this.#within(tier);
  }

  /** Largest first; none larger than the pictures. */
  get rungs(): readonly Rung[] {
    const { generator, rungs } = this.#deps;
    const size = generator.info.tiers.find(({ tier }) => tier === this.#tier);
    return size ? rungsFor(rungs, size) : rungs;
  }

  /** The nearest tier that the generator makes. */
  #within(wanted: Tier): Tier {
    const made = this.#deps.generator.info.tiers.map(({ tier }) => tier);
    const lowest = made[0] ?? 'draft';
    return tierRank(wanted) < tierRank(lowest) ? lowest : lowerTier(wanted, made.at(-1) ?? 'draft');
  }
}
