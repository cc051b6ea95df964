/**
 * The controllers under test, each with the habits of its product around it: its estimator, its pacing, and how its
 * target becomes an encoder's rate. Everything else on the send path is the same code.
 */
import type { AllocatorMemory } from '../../src/congestion/allocation.ts';
import { allocate } from '../../src/congestion/allocator.ts';
import type { BandwidthEstimator } from '../../src/congestion/bandwidth-estimator.ts';
import { GlimpseEstimator } from '../../src/congestion/estimator.ts';
import { PACING, type PacingRules } from '../../src/transport/pacing/pacing.ts';
import { GccEstimator } from './gcc/estimator.ts';

export const CONTROLLERS = ['glimpse', 'gcc'] as const;
export type ControllerName = (typeof CONTROLLERS)[number];

export interface EncoderRate {
  bitrateBps: number;
  fps: number;
}

export interface Controller {
  estimator: BandwidthEstimator;
  pacing: PacingRules;
  /** What the encoder gets of a target. */
  spend: (state: SendState) => EncoderRate;
}

export interface SendState {
  targetBps: number;
  nowUs: number;
  pacerQueueMs: number;
  /** Share of the packets of the last second that were retransmissions. */
  retransmittedRatio: number;
  /** The same in bytes, as the sender counts it. */
  repairShare: number;
}

const START_BPS = 300_000;
const FPS = 30;
/** One resolution, large enough to fill every scenario's link: changing it has its own tests, and would hide the estimate. */
const RUNGS = [{ widthPx: 960, heightPx: 540 }];
/** libwebrtc takes headers and retransmissions out of the encoder's share; headers are about 52 of 1,172 bytes. */
const GCC_MEDIA_SHARE = 0.955;
const GCC_PROTECTION_MAX = 0.5;

const CREATE: Record<ControllerName, () => Controller> = {
  glimpse: () => {
    let memory: AllocatorMemory | undefined;
    return {
      estimator: new GlimpseEstimator({ startBps: START_BPS }),
      pacing: PACING,
      spend: ({ targetBps, pacerQueueMs, nowUs, repairShare }) => {
        const input = {
          targetBps,
          repairShare,
          queueMs: pacerQueueMs,
          nowUs,
          rungs: RUNGS,
          generatorFps: FPS,
          tierLimit: 'refined' as const,
        };
        const allocated = allocate(input, memory);
        memory = allocated.memory;
        return allocated.allocation;
      },
    };
  },
  gcc: () => ({
    estimator: new GccEstimator({ startBps: START_BPS }),
    pacing: { beforeFeedback: 2.5, clear: 1.1, repairs: 0, queued: 1.1, initialWindowBytes: 0, burstMs: 10 },
    spend: ({ targetBps, retransmittedRatio }) => ({
      bitrateBps: targetBps * GCC_MEDIA_SHARE * (1 - Math.min(retransmittedRatio, GCC_PROTECTION_MAX)),
      fps: FPS,
    }),
  }),
};

export const createController = (name: ControllerName): Controller => CREATE[name]();
