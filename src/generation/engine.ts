/**
 * What sessions share of the generation engine: the scheduler that says whose step is next, the costs it learns, and the
 * admission that says who may compute at all. Built here for the service, and for tests and benches the same way.
 */
import type { Clock } from '../clock.ts';
import type { EngineMetrics } from '../metrics/engine-metrics.ts';
import { Admission } from './admission.ts';
import type { GeneratorInfo } from './generator.ts';
import { Scheduler } from './scheduler.ts';
import type { Tier } from './tiers.ts';

export interface EngineConfig {
  capacity: number;
  admissionTier: Tier;
  queueMax: number;
}

export interface EngineOptions {
  clock: Clock;
  info: GeneratorInfo;
  config: EngineConfig;
  /** Most units of a kind to run as one; default 1. */
  batchSize?: (kind: string) => number;
  metrics?: EngineMetrics;
}

export class Engine implements Disposable {
  readonly scheduler: Scheduler;
  readonly admission: Admission;

  constructor({ clock, info, config, batchSize = () => 1, metrics }: EngineOptions) {
    this.scheduler = new Scheduler({
      clock,
      batchSize,
      onTurn: ({ rank, waitedMs, batchSize: units }) => {
        metrics?.turn(rank, waitedMs, units);
        metrics?.set('schedulerQueue', this.scheduler.length);
      },
    });
    const { frames, fps } = info.slice;
    this.admission = new Admission({
      clock,
      costs: this.scheduler.costs,
      sliceMs: (frames * 1000) / fps,
      capacity: config.capacity,
      lowestTier: config.admissionTier,
      queueMax: config.queueMax,
      onQueue: (waiting) => {
        metrics?.set('admissionWaiting', waiting);
        metrics?.set('admissionLoad', this.admission.load);
      },
    });
  }

  [Symbol.dispose](): void {
    this.scheduler.close();
  }
}
