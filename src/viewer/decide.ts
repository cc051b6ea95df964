/**
 * One viewer's decision: from facts to the allocation for the encoder and the demand on the stream. The only place
 * where tier caps meet (the viewer's wish, the generator, admission, the path) and where `allocate` is called. Keyframe
 * first: a lower rate reduces the frame rate, then the rung, then the tier. Pure: memory and time are arguments.
 */
import type { Allocation, AllocatorMemory } from '../congestion/allocation.ts';
import { allocate } from '../congestion/allocator.ts';
import { soundRate, type SoundRateBps } from '../congestion/sound-rate.ts';
import { rungsWithin } from '../media/encode/h264-level.ts';
import type { Rung } from '../picture/rung.ts';
import { rungsFor } from '../picture/rungs.ts';
import { lowerTier, tierRank, type Tier } from '../picture/tiers.ts';
import type { Demand } from '../stream/demand.ts';
import type { TierFacts, ViewerFacts } from './facts.ts';

/** What the next decision for the same viewer builds on. */
export interface DecisionMemory extends AllocatorMemory {
  /** Rate of the sound, where there is some. */
  soundRateBps: SoundRateBps;
}

export interface Decision {
  allocation: Allocation;
  /** Highest tier for this viewer on any path: the lower of their wish and admission's cap. */
  tierCap: Tier;
  /** What this viewer can use of the stream. */
  demand: Demand;
  memory: DecisionMemory;
}

/** @param memory of the last decision for the same viewer; undefined at the start */
export function decide(facts: ViewerFacts, memory: DecisionMemory | undefined, nowUs: number): Decision {
  const { path, tiers, picture, presence } = facts;
  const asked = nearestMade(tiers);
  const tierCap = lowerTier(asked, tiers.admitted);
  const { allocation, memory: next } = allocate(
    {
      targetBps: path.targetBps,
      soundBps: path.soundBps,
      repairShare: path.repairShare,
      queueMs: path.pacerQueueMs,
      nowUs,
      rungs: rungsOf(facts, asked),
      generatorFps: picture.fps,
      tierLimit: tierCap,
      motionPx: picture.motionPx,
    },
    memory,
  );
  const demand = { ...presence, asked, tier: allocation.tierCap, fps: allocation.fps };
  const soundRateBps = soundRate(path.targetBps, memory?.soundRateBps);
  return { allocation, tierCap, demand, memory: { ...next, soundRateBps } };
}

/** The tier nearest to the viewer's wish that the generator makes. */
export function nearestMade({ made, asked }: Pick<TierFacts, 'made' | 'asked'>): Tier {
  const lowest = made[0]?.tier ?? 'draft';
  return tierRank(asked) < tierRank(lowest) ? lowest : lowerTier(asked, made.at(-1)?.tier ?? 'draft');
}

/** None larger than the pictures of the tier asked for, or than the decoder's level. */
function rungsOf({ path, tiers, picture }: ViewerFacts, asked: Tier): readonly Rung[] {
  const size = tiers.made.find(({ tier }) => tier === asked);
  const rungs = size ? rungsFor(picture.rungs, size) : picture.rungs;
  return path.levelIdc === undefined ? rungs : rungsWithin(rungs, path.levelIdc, picture.fps);
}
