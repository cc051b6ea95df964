/**
 * A generator whose slices are made by workers. What a slice continues from travels with each job, so any worker can
 * make the next one. When a worker fails, another goes on from the last finished tier. A slow answer is asked of a
 * second worker once, when its deadline is near.
 */
import type { Clock } from '../../../clock.ts';
import { GlimpseError, toGlimpseError } from '../../../errors.ts';
import type { GenerateOptions, Generator, GeneratorInfo, PromptReading, Rendition, SliceJob } from '../../generator.ts';
import { isLastRun } from '../../generator.ts';
import { YieldedTiers } from '../../recovery/yielded-tiers.ts';
import type { Tier } from '../../../picture/tiers.ts';
import type { Candidate, Need } from '../choice/choose.ts';
import { shouldHedge } from '../choice/hedging.ts';
import { infoOf, type Description } from '../wire/description.ts';
import type { Questions } from './ask.ts';
import { untilSome } from './availability.ts';
import type { OpenJobs } from './open-jobs.ts';
import type { Pull, RemoteJob } from './remote-job.ts';
import type { Workers } from './workers.ts';

export interface RemoteGeneratorOptions {
  clock: Clock;
  workers: Workers;
  jobs: OpenJobs;
  questions: Questions;
  /** What the workers of the pack are; others are not asked. */
  description: Description;
  /** How long a job waits for a worker before it fails with CLUSTER_DOWN, ms. */
  patienceMs: number;
  /** Closed with the generator. */
  owned: AsyncDisposable;
  /** For the metrics. */
  onEvent?: ((event: RemoteEvent) => void) | undefined;
}

export const REMOTE_EVENTS = ['slice', 'moved', 'failover', 'hedged', 'cut_off'] as const;
/** `moved`: a stream's slice went to another worker than its last one. `cut_off`: a worker broke the protocol. */
export type RemoteEvent = (typeof REMOTE_EVENTS)[number];

/** Failures of one job; then its owner decides. */
const FAILURES_MAX = 4;
/** How long a worker is left out: after it broke the protocol, and after its generator failed. */
const DISTRUST_MS = { protocol: 30_000, generator: 1_000, gone: 1_000, refused: 250 } as const;
/** Streams whose last worker is remembered. */
const STREAMS_MAX = 10_000;

/** One job on its way through its tiers. */
interface Course {
  job: SliceJob;
  options: GenerateOptions;
  stream: string;
  yielded: YieldedTiers;
  /** Finished latents of the slice: another worker goes on from them. */
  finished: Float32Array | undefined;
  /** Workers that broke the protocol or whose generator failed at it. */
  failed: Set<string>;
  failures: number;
  failure: GlimpseError | undefined;
  current: RemoteJob | undefined;
  /** The current job, and a second one while a slow answer is hedged. */
  open: Set<RemoteJob>;
}

type Outcome = { from: RemoteJob } & ({ rendition: Rendition | undefined } | { error: unknown });

export class RemoteGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly embed?: (prompt: string) => Promise<Float32Array>;
  readonly #options: RemoteGeneratorOptions;
  readonly #lastWorkers = new Map<string, string>();

  constructor(options: RemoteGeneratorOptions) {
    this.#options = options;
    this.info = infoOf(options.description);
    const { questions } = options;
    if (options.description.embeds) this.embed = (prompt) => this.#asked((worker) => questions.embed(worker, prompt));
  }

  read(prompt: string): Promise<PromptReading> {
    return this.#asked((worker) => this.#options.questions.read(worker, prompt));
  }

  /** @throws GlimpseError CLUSTER_DOWN while no worker is ready */
  async warmUp(): Promise<void> {
    await this.#worker(this.info.tiers[0]?.tier ?? 'draft', this.#need('warm-up'), undefined);
  }

  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void> {
    const stream = `${options.urgency?.user ?? 'clips'}/${job.seed}`;
    const yielded = new YieldedTiers(job, this.info);
    const course: Course = {
      job,
      options,
      stream,
      yielded,
      finished: undefined,
      failed: new Set(),
      failures: 0,
      failure: undefined,
      current: undefined,
      open: new Set(),
    };
    const onAbort = (): void => {
      for (const open of course.open) open.fail('gone', new GlimpseError('ABORTED'));
    };
    options.signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (yielded.next !== undefined) {
        const rendition = await this.#next(course, yielded.next);
        if (rendition === undefined) return;
        const { tier, latents } = rendition;
        if (latents && tier !== 'draft' && isLastRun(rendition, this.info.slice.frames)) course.finished = latents;
        const fresh = yielded.take(rendition);
        if (fresh) yield fresh;
      }
      this.#options.onEvent?.('slice');
    } finally {
      options.signal.removeEventListener('abort', onAbort);
      for (const open of course.open) this.#close(course, open);
    }
  }

  get pack(): string {
    return this.#options.description.pack;
  }

  /** Whether a worker of the pack is ready. */
  get available(): boolean {
    return this.#options.workers.readyOf(this.pack) > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lastWorkers.clear();
    await this.#options.owned[Symbol.asyncDispose]();
  }

  /** @throws GlimpseError ABORTED, CLUSTER_DOWN, CLUSTER_PROTOCOL, or as the workers' generator */
  async #next(course: Course, tier: Tier): Promise<Rendition | undefined> {
    for (;;) {
      const { signal } = course.options;
      if (signal.aborted) throw new GlimpseError('ABORTED');
      course.current ??= await this.#open(course, tier);
      const outcome = await this.#pull(course, course.current, tier);
      if (!('error' in outcome)) return outcome.rendition;
      this.#close(course, outcome.from);
      course.current = undefined;
      if (signal.aborted) throw new GlimpseError('ABORTED');
      this.#onFailure(course, outcome.from, toGlimpseError(outcome.error, 'GENERATOR_DOWN'));
    }
  }

  /** @throws GlimpseError the failure, unless another worker may do better */
  #onFailure(course: Course, { worker, fault = 'gone' }: RemoteJob, error: GlimpseError): void {
    const { workers, onEvent } = this.#options;
    const { failed, options } = course;
    workers.distrust(worker, DISTRUST_MS[fault]);
    if (fault === 'protocol' || fault === 'generator') failed.add(worker);
    if (fault === 'protocol') onEvent?.('cut_off');
    course.failures += 1;
    course.failure = error;
    if (!error.retryable || course.failures >= FAILURES_MAX) throw error;
    if (fault === 'generator' && failed.size > 1) throw error;
    onEvent?.('failover');
    options.onRetry?.(error);
  }

  async #open(course: Course, tier: Tier): Promise<RemoteJob> {
    const { options, stream, failed } = course;
    const need = this.#need(stream, options, failed);
    const worker = await this.#worker(tier, need, options.signal).catch((error: unknown) => {
      // If all have failed at it, how they failed says more.
      throw failed.size > 0 && !options.signal.aborted ? (course.failure ?? error) : error;
    });
    if (need.lease !== undefined && need.lease !== worker.id) this.#options.onEvent?.('moved');
    this.#remember(stream, worker.id);
    return this.#openAt(worker, course, tier);
  }

  #openAt({ id }: Candidate, course: Course, tier: Tier): RemoteJob {
    const { job, options, stream, finished } = course;
    const { jobs, description } = this.#options;
    const continued = finished ? { start: { latents: finished, strength: 0 } } : {};
    const asked = { ...job, startAtTier: tier, ...continued };
    const expected = { pack: description.pack, info: this.info };
    const { onProgress, onRetry, urgency } = options;
    const hooks = { ...(onProgress ? { onProgress } : {}), ...(onRetry ? { onRetry } : {}) };
    const opened = jobs.open({ worker: id, stream, job: asked, expected }, hooks, urgency);
    course.open.add(opened);
    return opened;
  }

  /** Never rejects. */
  async #pull(course: Course, current: RemoteJob, tier: Tier): Promise<Outcome> {
    const { workers } = this.#options;
    const { options, stream, failed } = course;
    const pull: Pull = {
      variant: options.variant?.(tier),
      urgency: options.urgency,
      dueInMs: this.#need(stream, options).dueInMs,
    };
    const cost = workers.get(current.worker)?.costsMs[tier] ?? 0;
    using _asked = workers.ask(current.worker, cost);
    const first = outcomeOf(current, pull);
    const need = this.#need(stream, options, new Set([...failed, current.worker]));
    const other = await this.#whenSlow(first, current, tier, need);
    if (!other) return first;
    this.#options.onEvent?.('hedged');
    const second = this.#openAt(other, course, tier);
    using _also = workers.ask(second.worker, other.costMs);
    const outcome = await firstGood([first, outcomeOf(second, pull)]);
    const winner = outcome.from;
    this.#close(course, winner === current ? second : current);
    course.current = winner;
    return outcome;
  }

  /** Resolves with an idle worker when the answer is slow and due, or with undefined when the answer is there. */
  async #whenSlow(
    answer: Promise<Outcome>,
    { worker }: RemoteJob,
    tier: Tier,
    need: Need,
  ): Promise<Candidate | undefined> {
    const { workers, clock } = this.#options;
    if (need.dueInMs === undefined) {
      await answer;
      return undefined;
    }
    const startedUs = clock.nowUs();
    const { promise, resolve } = Promise.withResolvers<Candidate | undefined>();
    const off = workers.events.on('swept', () => {
      const waitedMs = (clock.nowUs() - startedUs) / 1_000;
      const idle = workers.idle(tier, need);
      const dueInMs = (need.dueInMs ?? 0) - waitedMs;
      const expectedMs = workers.get(worker)?.costsMs[tier] ?? 0;
      if (idle && shouldHedge({ waitedMs, expectedMs, dueInMs, otherMs: idle.costMs, hedged: false })) resolve(idle);
    });
    void answer.then(() => resolve(undefined));
    return promise.finally(off);
  }

  async #worker(tier: Tier, need: Need, signal: AbortSignal | undefined): Promise<Candidate> {
    const { workers, patienceMs, clock } = this.#options;
    return untilSome({ workers, clock, patienceMs, signal, find: () => workers.choose(tier, need) });
  }

  /** Asks one worker, and another if it fails. */
  async #asked<Answer>(ask: (worker: string) => Promise<Answer>): Promise<Answer> {
    const failed = new Set<string>();
    const tier = this.info.tiers[0]?.tier ?? 'draft';
    for (;;) {
      const worker = await this.#worker(tier, { ...this.#need('ask'), excluded: failed }, undefined);
      try {
        return await ask(worker.id);
      } catch (error) {
        failed.add(worker.id);
        if (failed.size >= 2 || !toGlimpseError(error).retryable) throw error;
      }
    }
  }

  #need(stream: string, { urgency }: Partial<GenerateOptions> = {}, excluded: ReadonlySet<string> = new Set()): Need {
    const dueInMs =
      urgency && isSoon(urgency.deadlineUs) ? (urgency.deadlineUs - this.#options.clock.nowUs()) / 1_000 : undefined;
    return { pack: this.#options.description.pack, stream, lease: this.#lastWorkers.get(stream), dueInMs, excluded };
  }

  #remember(stream: string, worker: string): void {
    this.#lastWorkers.delete(stream);
    this.#lastWorkers.set(stream, worker);
    const [oldest] = this.#lastWorkers.keys();
    if (this.#lastWorkers.size > STREAMS_MAX && oldest !== undefined) this.#lastWorkers.delete(oldest);
  }

  #close(course: Course, job: RemoteJob): void {
    course.open.delete(job);
    this.#options.jobs.close(job);
  }
}

/** Background work has a deadline at the end of time. */
const isSoon = (deadlineUs: number): boolean => deadlineUs < Number.MAX_SAFE_INTEGER / 2;

async function outcomeOf(job: RemoteJob, pull: Pull): Promise<Outcome> {
  try {
    return { from: job, rendition: await job.pull(pull) };
  } catch (error) {
    return { from: job, error };
  }
}

/** The first that has not failed; the last failure if all have. */
async function firstGood(outcomes: readonly Promise<Outcome>[]): Promise<Outcome> {
  const good = outcomes.map(async (outcome) => {
    const settled = await outcome;
    if ('error' in settled) throw settled;
    return settled;
  });
  return Promise.any(good).catch(({ errors }: AggregateError) => errors.at(-1) as Outcome);
}
