/**
 * Wraps a generator and retries temporary failures: a worker that died, memory that ran out, a backend that timed out.
 * What was yielded stays. Only the current tier is made again, after a pause that doubles; from the second failure on
 * less is asked for (`reduction.ts`). A generator that keeps failing gets no calls for a while (`circuit.ts`).
 */
import { sleep, type Clock } from '../../clock.ts';
import { GlimpseError, toGlimpseError, type ErrorCode } from '../../errors.ts';
import { Circuit, type CircuitState } from './circuit.ts';
import type { GenerateOptions, Generator, GeneratorInfo, PromptReading, Rendition, SliceJob } from '../generator.ts';
import { SerialQueue } from '../../lifetime/serial-queue.ts';
import { LIMITS } from '../../limits.ts';
import { FEWER_STEPS, isWithin, ReductionLevel, type Reduction } from './reduction.ts';
import { YieldedTiers } from './yielded-tiers.ts';
import type { Tier } from '../../picture/tiers.ts';

export interface RetryingGeneratorOptions {
  /** Closed with this one. */
  generator: Generator;
  clock: Clock;
  /** Uniform in [0, 1): spreads the retries of many sessions. */
  random: () => number;
  /** A failed tier was made after all, or given up; for the metrics. */
  onRetried?: ((retried: Retried) => void) | undefined;
  /** Longest time without a call after failures, ms: short for a backend whose failed calls cost little. */
  openMostMs?: number | undefined;
}

export const RETRY_REASONS = ['down', 'busy', 'internal', 'other'] as const;
export const RETRY_OUTCOMES = ['recovered', 'given_up'] as const;

export interface Retried {
  /** Of the last failure. */
  reason: (typeof RETRY_REASONS)[number];
  outcome: (typeof RETRY_OUTCOMES)[number];
}

/** How a generator that may fail is doing. */
export interface RetryHealth {
  circuit: CircuitState;
  /** What it is currently asked to reduce. */
  reduction: Reduction;
}

/** The first retry is almost immediate: it is enough to replace a worker that died. */
const FIRST_PAUSE_MS = 50;
/** With doubling pauses: 1.5 s in all, as long as the last picture may stand still. */
const RETRIES_MAX = 5;

export class RetryingGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly embed?: (prompt: string) => Promise<Float32Array>;
  readonly #options: RetryingGeneratorOptions;
  readonly #circuit: Circuit;
  readonly #reduction = new ReductionLevel();
  /** Serialises units that must run alone, so that no two of them meet in a batch. */
  readonly #alone = new SerialQueue(LIMITS.serialWorkMax);

  constructor(options: RetryingGeneratorOptions) {
    const { generator } = options;
    this.#options = options;
    this.#circuit = new Circuit({ mostUs: options.openMostMs === undefined ? undefined : options.openMostMs * 1000 });
    this.info = generator.info;
    if (generator.embed) this.embed = (prompt) => generator.embed?.(prompt) ?? Promise.resolve(new Float32Array());
  }

  get health(): RetryHealth {
    const nowUs = this.#nowUs;
    this.#reduction.ease(nowUs);
    return { circuit: this.#circuit.state(nowUs), reduction: this.#reduction.level };
  }

  get tierCap(): Tier | undefined {
    this.#reduction.ease(this.#nowUs);
    return this.#reduction.level === 'none' ? undefined : this.#cap;
  }

  read(prompt: string): Promise<PromptReading> {
    return this.#options.generator.read(prompt);
  }

  warmUp(): Promise<void> {
    return this.#options.generator.warmUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.generator[Symbol.asyncDispose]();
  }

  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void> {
    const yielded = new YieldedTiers(job, this.info);
    let inner: AsyncIterator<Rendition> | undefined;
    let failures = 0;
    let reason: Retried['reason'] = 'other';
    let probes = false;
    try {
      while (yielded.next !== undefined) {
        probes = this.#admit(yielded.next);
        try {
          inner ??= this.#begin({ ...job, startAtTier: yielded.next }, options);
          const { value, done } = await inner.next();
          if (done) return;
          this.#circuit.succeeded();
          probes = false;
          if (failures > 0) this.#options.onRetried?.({ reason, outcome: 'recovered' });
          failures = 0;
          const fresh = yielded.take(value);
          if (fresh) yield this.#reduction.has('steps') ? { ...fresh, reduced: true } : fresh;
        } catch (error) {
          await inner?.return?.().catch(() => {});
          inner = undefined;
          const wasProbe = probes;
          reason = reasonOf(error);
          probes = false;
          await this.#recover(error, { failures: failures++, wasProbe, tier: yielded.next }, options);
        }
      }
    } finally {
      if (probes) this.#circuit.abandoned();
      await inner?.return?.();
    }
  }

  /**
   * @returns whether this call is the circuit's probe
   * @throws GlimpseError GENERATOR_UNAVAILABLE while the circuit is open, GENERATOR_DOWN for a tier that is rested
   */
  #admit(tier: Tier): boolean {
    const nowUs = this.#nowUs;
    this.#reduction.ease(nowUs);
    if (!isWithin(tier, this.#cap))
      throw new GlimpseError('GENERATOR_DOWN', {
        message: `The tier ${tier} is paused, because the generator failed at it.`,
        details: { tier, tierCap: this.#cap },
      });
    const entered = this.#circuit.enter(nowUs);
    if (entered === 'refused')
      throw new GlimpseError('GENERATOR_UNAVAILABLE', { retryAfterMs: this.#circuit.retryAfterMs(nowUs) });
    return entered === 'probe';
  }

  #begin(job: SliceJob, options: GenerateOptions): AsyncIterator<Rendition> {
    const { generator } = this.#options;
    const asked = this.#reduction.has('steps') ? { ...job, maxSteps: FEWER_STEPS } : job;
    const alone =
      this.#reduction.has('batch') && options.turn ? { ...options, turn: this.#turnAlone(options) } : options;
    return generator.generate(asked, alone)[Symbol.asyncIterator]();
  }

  /** Waits until it may be retried. @throws GlimpseError the failure, if it may not */
  async #recover(
    thrown: unknown,
    { failures, wasProbe, tier }: { failures: number; wasProbe: boolean; tier: Tier },
    options: GenerateOptions,
  ): Promise<void> {
    const error = toGlimpseError(thrown, 'GENERATOR_DOWN');
    const { signal, onRetry } = options;
    if (wasProbe && (signal.aborted || !isTransient(error))) this.#circuit.abandoned();
    if (signal.aborted || !isTransient(error)) throw error;
    const nowUs = this.#nowUs;
    if (failures > 0) this.#reduction.reduce(nowUs);
    const givenUp = failures >= RETRIES_MAX || wasProbe;
    if (givenUp) this.#circuit.failed(nowUs, wasProbe);
    if (givenUp || !isWithin(tier, this.#cap)) {
      this.#options.onRetried?.({ reason: reasonOf(error), outcome: 'given_up' });
      throw error;
    }
    const ms = FIRST_PAUSE_MS * 2 ** failures * (0.5 + this.#options.random() / 2);
    onRetry?.(new GlimpseError(error.code, { message: error.message, retryAfterMs: Math.ceil(ms), cause: error }));
    await sleep(this.#options.clock, ms, signal);
    if (signal.aborted) throw new GlimpseError('ABORTED');
  }

  #turnAlone({ turn }: GenerateOptions): NonNullable<GenerateOptions['turn']> {
    return (unit) => this.#alone.run(() => turn?.({ kind: `${unit.kind}/alone`, run: () => unit.run() }));
  }

  get #cap(): Tier {
    return this.#reduction.cap(this.info.tiers.map(({ tier }) => tier));
  }

  get #nowUs(): number {
    return this.#options.clock.nowUs();
  }
}

const REASONS: Partial<Record<ErrorCode, Retried['reason']>> = {
  GENERATOR_DOWN: 'down',
  RATE_LIMITED: 'busy',
  INTERNAL: 'internal',
};

const reasonOf = (error: unknown): Retried['reason'] =>
  REASONS[toGlimpseError(error, 'GENERATOR_DOWN').code] ?? 'other';

/** Failures that may pass soon. Aborts, and faults of the job or the model itself, do not. */
const isTransient = ({ code, retryable }: GlimpseError): boolean =>
  retryable && code !== 'ABORTED' && code !== 'SERVER_CLOSING';
