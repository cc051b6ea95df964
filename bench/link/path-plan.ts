/** A scenario's link as the two paths of the model, for whichever driver runs them. */
import type { Span } from './capacity.ts';
import type { PathPlan } from './path.ts';
import type { Scenario } from './scenario.ts';

/** Far enough apart that mulberry32's streams have nothing in common. */
export const SEED_STRIDE = 0x9e37_79b1;

/** Chance loss is the forward path's; jitter, delay and queue are the same both ways. */
export function pathPlan(scenario: Scenario, direction: 'forward' | 'backward'): PathPlan {
  const { oneWayDelayMs, queueMs, jitterMs, lossRatio, burstLoss, outages, blackHoles, flows, seed } = scenario;
  const concerns = (entry: { direction: string }): boolean => [direction, 'both'].includes(entry.direction);
  const ahead = direction === 'forward';
  return {
    capacity: scenario[direction].map(({ atMs, capacityBps }) => ({ fromUs: atMs * 1_000, bps: capacityBps })),
    outages: outages.filter(concerns).map(spanUs),
    blackHoles: blackHoles.filter(concerns).map(spanUs),
    delayUs: oneWayDelayMs * 1_000,
    flowDelaysUs: flows.map((flow) => flow.oneWayDelayMs && flow.oneWayDelayMs * 1_000),
    queueUs: queueMs * 1_000,
    jitterUs: jitterMs * 1_000,
    ...(ahead ? { lossRatio, burstLoss } : {}),
    seed: seed + (ahead ? 0 : SEED_STRIDE),
  };
}

export const spanUs = ({ fromMs, toMs }: { fromMs: number; toMs: number }): Span => ({
  fromUs: fromMs * 1_000,
  toUs: toMs * 1_000,
});
