/** Metrics of the generation engine: waiting for turns, batches, admission, memory. Label values are closed sets. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Names of turn-order.ts, by rank. */
const RANK_NAMES = ['first_picture', 'playhead', 'polish', 'background'] as const;
const PART_NAMES = ['text', 'denoiser', 'decoder', 'refiner', 'fastRefiner', 'upscaler'] as const;
const PART_STATES = ['resident', 'half_loaded', 'cold'] as const;
const WAIT_SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5] as const;

export type EngineGauge =
  | 'schedulerQueue'
  | 'admissionWaiting'
  | 'admissionLoad'
  | 'memoryPressure'
  | 'inferenceMemory';

export class EngineMetrics {
  readonly #turnWait: Histogram;
  readonly #batchUnits: Histogram;
  readonly #gauges: Record<EngineGauge, Gauge>;
  readonly #partBytes: Gauge;
  readonly #activations: Counter;
  readonly #activation: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
    this.#turnWait = new Histogram({
      name: 'glimpse_turn_wait_seconds',
      help: 'From a step asking for its turn to its beginning, by rank.',
      labelNames: ['rank'],
      buckets: [...WAIT_SECONDS],
      registers,
    });
    this.#batchUnits = new Histogram({
      name: 'glimpse_batch_units',
      help: 'Steps of several jobs that ran as one.',
      buckets: [1, 2, 4, 8, 16],
      registers,
    });
    this.#gauges = {
      schedulerQueue: gauge('glimpse_scheduler_queue', 'Steps that wait for their turn.'),
      admissionWaiting: gauge('glimpse_admission_waiting', 'Sessions that wait for admission.'),
      admissionLoad: gauge(
        'glimpse_admission_load_ratio',
        "Share of the generator's time that the admitted sessions need, by prediction.",
      ),
      memoryPressure: gauge(
        'glimpse_memory_pressure',
        '0 normal, 1 alert (80% of the budget), 2 low-memory mode (90%).',
      ),
      inferenceMemory: gauge(
        'glimpse_inference_memory_bytes',
        'Resident memory of the inference process, beside process_resident_memory_bytes.',
      ),
    };
    this.#partBytes = new Gauge({
      name: 'glimpse_part_bytes',
      help: 'Memory of the model parts, by part and state.',
      labelNames: ['part', 'state'],
      registers,
    });
    this.#activations = new Counter({
      name: 'glimpse_warm_activations_total',
      help: 'Workflows asked for: `hit` when all of their parts were in memory, loaded or half-loaded.',
      labelNames: ['result'],
      registers,
    });
    this.#activation = new Histogram({
      name: 'glimpse_activation_seconds',
      help: 'From a workflow being asked for to all of its parts being loaded.',
      buckets: [0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    for (const rank of RANK_NAMES) this.#turnWait.zero({ rank });
    for (const result of ['hit', 'miss']) this.#activations.inc({ result }, 0);
  }

  /** @param rank of turn-order.ts */
  turn(rank: number, waitedMs: number, batchUnits: number): void {
    this.#turnWait.observe({ rank: RANK_NAMES[rank] ?? 'background' }, waitedMs / 1000);
    this.#batchUnits.observe(batchUnits);
  }

  set(gauge: EngineGauge, value: number): void {
    this.#gauges[gauge].set(value);
  }

  /** A part is in one state at a time; its other states report 0 bytes. */
  part(part: string, state: string, bytes: number): void {
    if (!PART_NAMES.some((name) => name === part)) return;
    for (const other of PART_STATES)
      this.#partBytes.set({ part, state: other }, other === state.replace('-', '_') ? bytes : 0);
  }

  activated(hit: boolean, ms: number): void {
    this.#activations.inc({ result: hit ? 'hit' : 'miss' });
    this.#activation.observe(ms / 1000);
  }
}
