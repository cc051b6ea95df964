/**
 * What sessions share of the generation engine: the scheduler that orders units of work, the costs it learns,
 * admission, and the memory of the models. The service, tests and benches all build it here.
 */
import type { Clock } from '../../clock.ts';
import type { EngineMetrics } from '../../metrics/engine-metrics.ts';
import { Admission } from './admission.ts';
import { IdleModel } from './idle-model.ts';
import type { GradeCost } from '../onnx/pack/calibration.ts';
import type { GeneratorInfo } from '../generator.ts';
import { MemoryMonitor } from './memory-monitor.ts';
import { PRESSURES, type Pressure } from './memory-pressure.ts';
import type { ModelMemory } from './model-memory.ts';
import { Scheduler } from './scheduler.ts';
import type { Tier } from '../../picture/tiers.ts';

export interface EngineConfig {
  capacity: number;
  admissionTier: Tier;
  queueMax: number;
}

export interface EngineMemory {
  memory: ModelMemory;
  /** Most memory the service should take, with the process of its models. */
  processBytes: number;
  /** Time without a session after which the model releases most of its memory, ms; 0: never. */
  warmIdleMs: number;
}

export interface EngineOptions {
  clock: Clock;
  info: GeneratorInfo;
  config: EngineConfig;
  /** Most units of a kind per batch; default 1. */
  batchSize?: (kind: string) => number;
  metrics?: EngineMetrics;
  /** For generators with local models. */
  models?: EngineMemory | undefined;
  onPressure?: (pressure: Pressure, ratio: number) => void;
}

export class Engine implements AsyncDisposable {
  readonly scheduler: Scheduler;
  readonly admission: Admission;
  readonly #options: EngineOptions;
  readonly #monitor: MemoryMonitor | undefined;
  readonly #model: IdleModel | undefined;
  #inUse = false;

  constructor(options: EngineOptions) {
    const { clock, info, config, batchSize = () => 1, metrics, models } = options;
    this.#options = options;
    this.scheduler = new Scheduler({
      clock,
      batchSize: (kind) => (this.pressure === 'low-memory' ? 1 : batchSize(kind)),
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
      hasFast: info.tiers.some(({ fast }) => fast !== undefined),
      queueMax: config.queueMax,
      onQueue: (waiting) => {
        metrics?.set('admissionWaiting', waiting);
        metrics?.set('admissionLoad', this.admission.load);
      },
    });
    this.#monitor = models && this.#watch(models);
    this.#model = models && idleModel(models, metrics);
  }

  get pressure(): Pressure {
    return this.#monitor?.pressure ?? 'normal';
  }

  /** Costs measured on this machine before. With them admission is right from the first session on. */
  expect(costs: readonly GradeCost[]): void {
    for (const { grade, ms } of costs) this.scheduler.costs.expect(grade, ms);
  }

  /** Keeps the model loaded while there are sessions. */
  onSessions(count: number): void {
    const inUse = count > 0;
    if (inUse === this.#inUse) return;
    this.#inUse = inUse;
    // A failed load fails again, with its error, when the first step needs the part.
    if (inUse) this.#model?.use().catch(() => {});
    else this.#model?.leave();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.scheduler.close();
    this.#monitor?.[Symbol.dispose]();
    await this.#model?.[Symbol.asyncDispose]();
  }

  #watch({ memory, processBytes }: EngineMemory): MemoryMonitor {
    const { metrics, config, onPressure } = this.#options;
    const monitor = new MemoryMonitor({
      budgetBytes: processBytes,
      memory,
      usedBytes: () => process.memoryUsage.rss(),
      onPressure: (pressure, ratio) => {
        this.admission.ceiling = pressure === 'low-memory' ? config.admissionTier : undefined;
        metrics?.set('memoryPressure', PRESSURES.indexOf(pressure));
        onPressure?.(pressure, ratio);
      },
      onReport: ({ parts, processBytes }) => {
        metrics?.set('inferenceMemory', processBytes);
        for (const { name, state, bytes } of parts) metrics?.part(name, state, bytes);
      },
    });
    monitor.start();
    return monitor;
  }
}

function idleModel({ memory, warmIdleMs }: EngineMemory, metrics: EngineMetrics | undefined): IdleModel {
  return new IdleModel({ memory, idleMs: warmIdleMs, onActivated: ({ hit, ms }) => metrics?.activated(hit, ms) });
}
