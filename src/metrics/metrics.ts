/**
 * Everything the service counts, on a prom-client registry of its own, so that two services (or two tests) in one
 * process never share a number. Names follow the vocabulary; docs/metrics.md lists them and a test holds it to that.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { ErrorCode } from '../errors.ts';
import { LATENCIES, LATENCY_BUCKETS_SECONDS } from './latencies.ts';
import type { ServerLatencyName } from './latencies.ts';

const COUNTERS = {
  sessionsStarted: { metric: 'glimpse_sessions_started_total', help: 'Sessions admitted.' },
  bytesSent: { metric: 'glimpse_sent_bytes_total', help: 'RTP bytes sent, retransmissions and padding included.' },
  framesSent: { metric: 'glimpse_frames_sent_total', help: 'Access units handed to the pacer.' },
  keyframes: { metric: 'glimpse_keyframes_total', help: 'Access units that were keyframes.' },
  lateFrames: { metric: 'glimpse_late_frames_total', help: 'Frame instants at which the last frame had to stand.' },
  workerRestarts: {
    metric: 'glimpse_generator_worker_restarts_total',
    help: 'Generator workers replaced after a failure.',
  },
  listenerErrors: { metric: 'glimpse_listener_errors_total', help: 'Event listeners that threw; each is a bug.' },
} as const;

const GAUGES = {
  sessions: { metric: 'glimpse_sessions', help: 'Sessions alive now.' },
} as const;

export type CounterName = keyof typeof COUNTERS;
export type GaugeName = keyof typeof GAUGES;

export interface MetricsOptions {
  /** Adds `process_*` and `nodejs_*`. Off in tests: its observers last as long as the process. Default true. */
  processMetrics?: boolean;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<CounterName, Counter>();
  readonly #gauges = new Map<GaugeName, Gauge>();
  readonly #latencies = new Map<string, Histogram>();
  readonly #errors: Counter;

  constructor({ processMetrics = true }: MetricsOptions = {}) {
    const registers = [this.#registry];
    for (const [name, { metric, help }] of Object.entries(COUNTERS)) {
      this.#counters.set(name as CounterName, new Counter({ name: metric, help, registers }));
    }
    for (const [name, { metric, help }] of Object.entries(GAUGES)) {
      this.#gauges.set(name as GaugeName, new Gauge({ name: metric, help, registers }));
    }
    for (const [name, { metric, meaning }] of Object.entries(LATENCIES)) {
      if (metric === undefined) continue;
      const buckets = [...LATENCY_BUCKETS_SECONDS];
      this.#latencies.set(name, new Histogram({ name: metric, help: meaning, buckets, registers }));
    }
    this.#errors = new Counter({
      name: 'glimpse_errors_total',
      help: 'Errors by their code of the error table.',
      labelNames: ['code'],
      registers,
    });
    if (processMetrics) collectDefaultMetrics({ register: this.#registry });
  }

  /** Records one latency, in milliseconds. Values that are no duration (NaN, negative) are dropped. */
  observe(latency: ServerLatencyName, ms: number): void {
    if (ms >= 0) this.#latencies.get(latency)?.observe(ms / 1000);
  }

  /** Adds to a counter; never less than nothing. */
  count(counter: CounterName, by = 1): void {
    if (by > 0) this.#counters.get(counter)?.inc(by);
  }

  set(gauge: GaugeName, value: number): void {
    this.#gauges.get(gauge)?.set(value);
  }

  countError(code: ErrorCode): void {
    this.#errors.inc({ code });
  }

  /** What `/metrics` answers: the text and its content type. */
  async exposition(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** Every metric with its Prometheus type, for the documentation's test. */
  list(): { name: string; type: string; labels: string[]; help: string }[] {
    return this.#registry.getMetricsAsArray().map((metric) => {
      const { name, help, type, labelNames } = metric as typeof metric & { type: string; labelNames?: string[] };
      return { name, help, type: String(type), labels: labelNames ?? [] };
    });
  }
}
