/** A gateway's place in a cluster: the connection, the workers it sees, and the generator that stands for them. */
import { randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { ResourceStack } from '../../lifetime/resource-stack.ts';
import type { Log } from '../../log.ts';
import type { Bus } from './bus.ts';
import { Questions } from './gateway/ask.ts';
import { untilSome } from './gateway/availability.ts';
import { OpenJobs } from './gateway/open-jobs.ts';
import { RemoteGenerator, type RemoteEvent } from './gateway/remote-generator.ts';
import { Workers } from './gateway/workers.ts';
import { Subjects } from './wire/subjects.ts';

export interface ClusterOptions {
  bus: Bus;
  /** Name of the cluster: several may share one NATS. */
  name: string;
  log: Log;
  clock?: Clock;
  /** For the metrics. */
  onEvent?: (event: RemoteEvent) => void;
}

/** Random, and unlike any other node's: letters and digits. */
export const newNodeId = (): string => randomBytes(9).toString('hex');

/** How long a running stream waits for a worker before its viewer is told. */
const PATIENCE_MS = 2_000;

export class Cluster implements AsyncDisposable {
  readonly id = newNodeId();
  readonly bus: Bus;
  readonly subjects: Subjects;
  readonly workers: Workers;
  readonly jobs: OpenJobs;
  readonly questions: Questions;
  readonly #options: ClusterOptions;
  readonly #clock: Clock;
  readonly #stack = new ResourceStack();

  constructor(options: ClusterOptions) {
    const { bus, name, log, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.bus = bus;
    this.subjects = new Subjects(name);
    const { subjects } = this;
    this.workers = this.#stack.use(new Workers({ bus, subjects, clock, log }));
    this.jobs = this.#stack.use(new OpenJobs({ bus, subjects, clock, gateway: this.id, workers: this.workers }));
    this.questions = new Questions(bus, subjects);
  }

  /**
   * The generator that stands for the workers of one pack.
   * @param pack default: that of the first worker that is ready
   * @throws GlimpseError CLUSTER_DOWN if none is ready in time; CLUSTER_PROTOCOL, CLUSTER_VERSION if it makes no sense
   */
  async generator({
    pack,
    waitMs,
    signal,
  }: {
    pack?: string | undefined;
    waitMs: number;
    signal?: AbortSignal | undefined;
  }): Promise<RemoteGenerator> {
    const { workers, jobs, questions } = this;
    const clock = this.#clock;
    const find = (): { id: string } | undefined =>
      workers.all.find((beat) => beat.state === 'ready' && (pack === undefined || beat.pack === pack));
    const { id } = await untilSome({ workers, clock, patienceMs: waitMs, signal, find }).catch((cause: unknown) => {
      throw explained(
        cause,
        workers.all.map((beat) => beat.pack),
        pack,
      );
    });
    const description = await questions.describe(id);
    const { onEvent } = this.#options;
    return new RemoteGenerator({
      clock,
      workers,
      jobs,
      questions,
      description,
      patienceMs: PATIENCE_MS,
      owned: this,
      onEvent,
    });
  }

  /** Closes the connection too. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    await this.bus[Symbol.asyncDispose]();
  }
}

/** Says which packs there are, if not the one that is needed. */
function explained(cause: unknown, packs: readonly string[], pack: string | undefined): unknown {
  if (!(cause instanceof GlimpseError) || cause.code !== 'CLUSTER_DOWN' || packs.length === 0) return cause;
  const message =
    pack === undefined || packs.includes(pack)
      ? 'The workers of the cluster are not ready.'
      : 'No worker of the cluster serves the pack of this gateway: serve the same one on both.';
  return new GlimpseError('CLUSTER_DOWN', { message, details: { packs: [...new Set(packs)], needed: pack }, cause });
}
