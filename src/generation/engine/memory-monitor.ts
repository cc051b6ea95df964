/**
 * Compares the process's memory with its budget once a second and applies memory-pressure.ts. From 90% on only the part
 * in use stays loaded, steps run one at a time, and no session computes above the low-memory tier.
 */
import type { MemoryReport, ModelMemory } from './model-memory.ts';
import { nextPressure, type Pressure } from './memory-pressure.ts';

export interface MemoryMonitorOptions {
  /** Most memory the process should take. */
  budgetBytes: number;
  memory: ModelMemory;
  /** Memory the process takes now. */
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
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MemoryMonitorOptions) {
    this.#options = options;
  }

  get pressure(): Pressure {
    return this.#pressure;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), INTERVAL_MS).unref();
  }

  check(): void {
    const { budgetBytes, memory, usedBytes, onPressure } = this.#options;
    const ratio = usedBytes() / budgetBytes;
    const pressure = nextPressure(this.#pressure, ratio);
    if (pressure === this.#pressure) return;
    this.#pressure = pressure;
    memory.setLowMemory(pressure === 'low-memory');
    onPressure(pressure, ratio);
  }

  #tick(): void {
    this.check();
    const { memory, onReport } = this.#options;
    // If the report fails (a server that is down), it is asked again in a second.
    if (onReport) memory.report().then(onReport, () => {});
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
