/**
 * Compares the memory of the service and of its inference process with the budget once a second and applies memory-pressure.ts. From 90% on only the part
 * in use stays loaded, steps run one at a time, and no session computes above the low-memory tier.
 */
import { every, systemClock, type Timer } from '../../clock.ts';
import type { MemoryReport, ModelMemory } from './model-memory.ts';
import { nextPressure, type Pressure } from './memory-pressure.ts';

export interface MemoryMonitorOptions {
  /** Most memory the process should take. */
  budgetBytes: number;
  memory: ModelMemory;
  /** Memory this process takes now; what the models' process takes is in their report. */
  usedBytes: () => number;
  /** Pressure has changed. */
  onPressure: (pressure: Pressure, ratio: number) => void;
  /** Every second, for the metrics. */
  onReport?: (report: MemoryReport) => void;
}

const INTERVAL_MS = 1_000;

export class MemoryMonitor implements Disposable {
  readonly #options: MemoryMonitorOptions;
  #pressure: Pressure = 'normal';
  /** Of the models' process, by the latest report. */
  #modelsBytes = 0;
  #timer: Timer | undefined;

  constructor(options: MemoryMonitorOptions) {
    this.#options = options;
  }

  get pressure(): Pressure {
    return this.#pressure;
  }

  start(): void {
    this.#timer ??= every(systemClock, INTERVAL_MS, () => this.#tick(), { background: true });
  }

  check(): void {
    const { budgetBytes, memory, usedBytes, onPressure } = this.#options;
    const ratio = (usedBytes() + this.#modelsBytes) / budgetBytes;
    const pressure = nextPressure(this.#pressure, ratio);
    if (pressure === this.#pressure) return;
    this.#pressure = pressure;
    memory.setLowMemory(pressure === 'low-memory');
    onPressure(pressure, ratio);
  }

  #tick(): void {
    this.check();
    const { memory, onReport } = this.#options;
    const onReported = (report: MemoryReport): void => {
      this.#modelsBytes = report.processBytes;
      onReport?.(report);
    };
    // If the report fails (a server that is down), it is asked again in a second.
    memory.report().then(onReported, () => {});
  }

  [Symbol.dispose](): void {
    this.#timer?.close();
  }
}
