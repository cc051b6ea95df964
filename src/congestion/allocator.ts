/**
 * Spends the estimator's grant on pictures, after the sound has had its part. Keyframe first: a rung is affordable when its keyframe arrives in time and its frames
 * fit at the lowest frame rate. A lower grant reduces the frame rate first, then the rung, then the tier generated. It
 * goes down at once and up slowly.
 */
import { lowerTier, type Tier } from '../picture/tiers.ts';
import type { Allocation, AllocatorInput, AllocatorMemory } from './allocation.ts';
import type { Rung } from '../picture/rung.ts';

/** Below this, motion looks like stills; a slower generator keeps its own rate. */
const FPS_FLOOR = 8;
/** A later keyframe looks like a freeze. */
const KEYFRAME_TIME_MS = 200;
/** Bits per pixel at which a delta frame still looks right (VP8 realtime on generated motion). */
const DELTA_BITS_PER_PX = 0.06;
/** Bits per pixel above which no difference is visible; the rest of the grant stays unused. */
const DELTA_BITS_PER_PX_MAX = 0.5;
/** Bits per pixel of a keyframe at its starting quality. */
const KEYFRAME_BITS_PER_PX = 0.25;
/**
 * Within this motion and below these bits per pixel, every second frame with twice the bits looks better, by 1.2 to 1.9
 * dB throughout; above either it looks worse, and with less motion the same (bench/quality/motion.ts).
 */
const SLOW_PX = { least: 0.05, most: 0.35 };
const SLOW_BITS_PER_PX = 0.12;
/** It ends at limits wider by this factor, and starts again no sooner than this after it ended. */
const SLOW_MARGIN = 1.25;
const SLOW_HOLD_US = 2_000_000;
/** Share of the grant left for media after RTP headers, SRTP tags and retransmissions. */
const MEDIA_SHARE = 0.93;
/** Share that the allocation leaves for retransmissions; more of them would queue in the pacer. */
const REPAIR_SHARE_FREE = 0.01;
/** Most that retransmissions take: media keep half of the target. */
const REPAIR_SHARE_MAX = 0.5;
/** Most of a grant that sound may take from the pictures: on the narrowest paths both suffer. */
const SOUND_SHARE_MAX = 0.5;
/** A higher rung or tier must be affordable by this factor, and the rung unchanged for this time. */
const UP_MARGIN = 1.25;
const RUNG_HOLD_US = 2_000_000;
/** A pacer queue above the first lowers the grant; at the second it halves it. */
const QUEUE_FREE_MS = 100;
const QUEUE_FULL_MS = 400;
/** Below these shares of the smallest rung's need, higher tiers are not visible. */
const BASE_SHARE = 1;
const DRAFT_SHARE = 0.5;

export interface Allocated {
  allocation: Allocation;
  memory: AllocatorMemory;
}

/** @param previous the memory of the last call for the same viewer; undefined at the start */
export function allocate(input: AllocatorInput, previous: AllocatorMemory | undefined): Allocated {
  const { nowUs, rungs, generatorFps } = input;
  const grantBps = spendable(input);
  const floorFps = Math.min(FPS_FLOOR, generatorFps);
  const rung = chooseRung(grantBps, floorFps, input, previous);
  const moved = previous !== undefined && !sameRung(previous.rung, rung);
  const affordableFps = Math.floor(grantBps / (DELTA_BITS_PER_PX * pixels(rung)));
  const fullFps = Math.min(Math.max(affordableFps, floorFps), generatorFps);
  const slow = isSlow(grantBps / (pixels(rung) * fullFps), input, previous);
  const fps = slow ? Math.min(fullFps, generatorFps / 2) : fullFps;
  const tierCap = chooseTier(grantBps / neededBps(rungs.at(-1) ?? rung, floorFps), rung, input, previous);
  return {
    allocation: {
      bitrateBps: Math.round(Math.min(grantBps, DELTA_BITS_PER_PX_MAX * pixels(rung) * fps)),
      fps,
      rung,
      tierCap,
      keyframeBudgetBytes: Math.floor((grantBps * KEYFRAME_TIME_MS) / 8_000),
    },
    memory: {
      rung,
      rungChangedAtUs: moved || !previous ? nowUs : previous.rungChangedAtUs,
      tierCap,
      slow,
      slowChangedAtUs: previous && previous.slow === slow ? previous.slowChangedAtUs : nowUs,
    },
  };
}

/** Whether half the generator's frames look better than all. Unknown motion may mean a new picture: then all. */
function isSlow(
  bitsPerPx: number,
  { motionPx, generatorFps, nowUs }: AllocatorInput,
  previous: AllocatorMemory | undefined,
): boolean {
  if (motionPx === undefined || !previous || generatorFps / 2 < FPS_FLOOR) return false;
  if (!previous.slow && nowUs - previous.slowChangedAtUs < SLOW_HOLD_US) return false;
  const margin = previous.slow ? SLOW_MARGIN : 1;
  const little = motionPx > SLOW_PX.least / margin && motionPx < SLOW_PX.most * margin;
  return little && bitsPerPx < SLOW_BITS_PER_PX * margin;
}

/** Rate for the encoder: the target less sound, repairs and overhead, and less for what already waits. */
function spendable({ targetBps, soundBps = 0, repairShare = 0, queueMs }: AllocatorInput): number {
  const over = (queueMs - QUEUE_FREE_MS) / (QUEUE_FULL_MS - QUEUE_FREE_MS);
  const leftBps = targetBps - Math.min(soundBps, targetBps * SOUND_SHARE_MAX);
  return mediaTargetBps(leftBps, repairShare) * MEDIA_SHARE * (1 - 0.5 * Math.min(Math.max(over, 0), 1));
}

/**
 * The share of a target for new media beside retransmissions. Without it media wait in the pacer, at 20% loss longer
 * than their deadline.
 * @param repairShare share of recently sent bytes that were retransmissions, 0 to 1
 */
export const mediaTargetBps = (targetBps: number, repairShare: number): number =>
  targetBps * (1 - Math.min(Math.max(repairShare - REPAIR_SHARE_FREE, 0), REPAIR_SHARE_MAX));

const pixels = (rung: Rung): number => rung.widthPx * rung.heightPx;
const sameRung = (a: Rung, b: Rung): boolean => a.widthPx === b.widthPx && a.heightPx === b.heightPx;

/** The rate at which a rung's keyframe arrives in time and its deltas fit at the lowest frame rate. */
function neededBps(rung: Rung, floorFps: number): number {
  const keyframeBps = (KEYFRAME_BITS_PER_PX * pixels(rung) * 1_000) / KEYFRAME_TIME_MS;
  return Math.max(keyframeBps, DELTA_BITS_PER_PX * pixels(rung) * floorFps);
}

function chooseRung(
  grantBps: number,
  floorFps: number,
  { rungs, nowUs }: AllocatorInput,
  previous: AllocatorMemory | undefined,
): Rung {
  const smallest = rungs.at(-1) ?? { widthPx: 0, heightPx: 0 };
  const affordable = (margin: number): Rung =>
    rungs.find((rung) => neededBps(rung, floorFps) * margin <= grantBps) ?? smallest;
  const current = previous && rungs.find((rung) => sameRung(rung, previous.rung));
  if (!previous || !current) return affordable(1);
  if (neededBps(current, floorFps) > grantBps) return affordable(1);
  const higher = affordable(UP_MARGIN);
  const settled = nowUs - previous.rungChangedAtUs >= RUNG_HOLD_US;
  return settled && pixels(higher) > pixels(current) ? higher : current;
}

/** @param share the grant relative to the smallest rung's need */
function chooseTier(share: number, rung: Rung, { rungs, tierLimit }: AllocatorInput, previous?: AllocatorMemory): Tier {
  const margin = (tier: Tier): number => (previous && lowerTier(previous.tierCap, tier) !== tier ? UP_MARGIN : 1);
  if (share < DRAFT_SHARE * margin('base')) return lowerTier('draft', tierLimit);
  if (share < BASE_SHARE * margin('refined')) return lowerTier('base', tierLimit);
  // Pixels that the rung scales away are not worth making.
  const largest = rungs[0];
  return largest && !sameRung(largest, rung) ? lowerTier('refined', tierLimit) : tierLimit;
}
