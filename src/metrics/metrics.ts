/**
 * Everything the service counts, on its own prom-client registry, so that two services (or two tests) in one process
 * never share a number. `definitions.ts` and `latencies.ts` list the metrics.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { ERROR_CODES, type ErrorCode } from '../errors.ts';
import type { CacheSource } from './cache-source.ts';
import { cacheMetrics } from './cache-metrics.ts';
import { COUNTERS, GAUGES, LABELLED, SAMPLES } from './definitions.ts';
import type {
  CounterName,
  GaugeName,
  LabelledDefinition,
  LabelledName,
  LabelsOf,
  SampleDefinition,
  SampleName,
} from './definitions.ts';
import { EngineMetrics } from './engine-metrics.ts';
import { LATENCIES, LATENCY_BUCKETS_SECONDS } from './latencies.ts';
import type { ServerLatencyName } from './latencies.ts';

export type { CounterName, GaugeName } from './definitions.ts';

export interface MetricsOptions {
  /** Adds `process_*` and `nodejs_*`. Off in tests: its observers last as long as the process. Default true. */
  processMetrics?: boolean;
  /** Name of the generator, as the latencies' label: each workflow has a baseline of its own. */
  workflow?: string;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<CounterName, Counter>();
  readonly #gauges = new Map<GaugeName, Gauge>();
  readonly #samples = new Map<SampleName, Histogram>();
  readonly #labelled = new Map<LabelledName, Counter>();
  readonly #latencies = new Map<string, Histogram>();
  readonly #errors: Counter;
  /** What the generation engine measures. */
  readonly engine: EngineMetrics;
  readonly #addCaches: (sources: readonly CacheSource[]) => void;
  #workflow: string;
  #beforeScrape: () => void = () => {};

  constructor({ processMetrics = true, workflow = 'none' }: MetricsOptions = {}) {
    const registers = [this.#registry];
    this.#workflow = workflow;
    for (const [name, { metric, help }] of Object.entries(COUNTERS))
      this.#counters.set(name as CounterName, new Counter({ name: metric, help, registers }));
    for (const [name, { metric, help }] of Object.entries(GAUGES))
      this.#gauges.set(name as GaugeName, new Gauge({ name: metric, help, registers }));
    for (const [name, { metric, help, buckets }] of Object.entries<SampleDefinition>(SAMPLES))
      this.#samples.set(name as SampleName, new Histogram({ name: metric, help, buckets: [...buckets], registers }));
    for (const [name, definition] of Object.entries<LabelledDefinition>(LABELLED))
      this.#labelled.set(name as LabelledName, labelledCounter(definition, registers));
    for (const [name, { metric, meaning }] of Object.entries(LATENCIES)) {
      if (metric === undefined) continue;
      const buckets = [...LATENCY_BUCKETS_SECONDS];
      const labelNames = ['workflow'];
      this.#latencies.set(name, new Histogram({ name: metric, help: meaning, buckets, labelNames, registers }));
    }
    const help = 'Errors by their code of the error table.';
    this.#errors = new Counter({ name: 'glimpse_errors_total', help, labelNames: ['code'], registers });
    for (const code of Object.keys(ERROR_CODES)) this.#errors.inc({ code }, 0);
    this.#addCaches = cacheMetrics(this.#registry);
    this.engine = new EngineMetrics(this.#registry);
    if (processMetrics) collectDefaultMetrics({ register: this.#registry });
  }

  /** Sets the generator's name from now on. */
  set workflow(name: string) {
    this.#workflow = name;
  }

  /** Records one latency, in milliseconds. Values that are no duration (NaN, negative) are dropped. */
  observe(latency: ServerLatencyName, ms: number): void {
    if (ms >= 0) this.#latencies.get(latency)?.observe({ workflow: this.#workflow }, ms / 1000);
  }

  /** Records one of the once-a-second readings, in the unit of its name; durations are exported in seconds. */
  sample(name: SampleName, value: number): void {
    if (value >= 0) this.#samples.get(name)?.observe(name.endsWith('Ms') ? value / 1000 : value);
  }

  /** Adds to a counter; a negative amount adds nothing. */
  count(counter: CounterName, by = 1): void {
    if (by > 0) this.#counters.get(counter)?.inc(by);
  }

  /** Adds to a labelled counter. */
  countBy<Name extends LabelledName>(counter: Name, labels: LabelsOf<Name>, by = 1): void {
    if (by > 0) this.#labelled.get(counter)?.inc(labels as Record<string, string>, by);
  }

  set(gauge: GaugeName, value: number): void {
    this.#gauges.get(gauge)?.set(value);
  }

  /** Adds caches whose figures are read at every scrape. */
  addCaches(sources: readonly CacheSource[]): void {
    this.#addCaches(sources);
  }

  countError(code: ErrorCode): void {
    this.#errors.inc({ code });
  }

  /** Called before every scrape, for values that are read rather than counted. */
  set beforeScrape(read: () => void) {
    this.#beforeScrape = read;
  }

  /** The response of `/metrics`: the text and its content type. */
  async exposition(): Promise<{ contentType: string; text: string }> {
    this.#beforeScrape();
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** Every metric with its Prometheus type, for the documentation. */
  list(): { name: string; type: string; labels: string[]; help: string }[] {
    return this.#registry.getMetricsAsArray().map((metric) => {
      const { name, help, type, labelNames } = metric as typeof metric & { type: string; labelNames?: string[] };
      return { name, help, type: String(type), labels: labelNames ?? [] };
    });
  }
}

/** Each combination of labels starts at zero, so that a rate is defined from the first scrape on. */
function labelledCounter({ metric, help, labels }: LabelledDefinition, registers: Registry[]): Counter {
  const counter = new Counter({ name: metric, help, labelNames: Object.keys(labels), registers });
  const combinations = Object.entries(labels).reduce<Record<string, string>[]>(
    (sofar, [label, values]) => sofar.flatMap((given) => values.map((value) => ({ ...given, [label]: value }))),
    [{}],
  );
  for (const combination of combinations) counter.inc(combination, 0);
  return counter;
}
