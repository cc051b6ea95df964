/**
 * All jobs of a gateway: brings answers to their job, tells each worker four times a second which of its jobs are still
 * wanted, and ends the jobs of a worker that is gone, silent, or out of reach.
 */
import { every, type Clock } from '../../../clock.ts';
import { GlimpseError, toGlimpseError } from '../../../errors.ts';
import { BEAT_MS } from '../choice/presence.ts';
import { decodeMessage, encodeMessage } from '../wire/envelope.ts';
import { WIRE } from '../wire/limits.ts';
import { toGatewaySchema, type ToWorker } from '../wire/messages.ts';
import { RemoteJob, type JobHooks, type RemoteJobOptions } from './remote-job.ts';
import type { Bus } from '../bus.ts';
import type { Subjects } from '../wire/subjects.ts';
import type { Workers } from './workers.ts';

export interface OpenJobsOptions {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  /** Id of this gateway. */
  gateway: string;
  workers: Workers;
}

/** A worker that beats but says nothing of a job for so long has lost it. Slow generators report progress. */
const SILENCE_MS = 120_000;
/** A rendition that has begun to arrive is computed: its bytes come, or will not. */
const STALL_MS = 5_000;

export class OpenJobs implements Disposable {
  readonly #options: OpenJobsOptions;
  readonly #jobs = new Map<string, { job: RemoteJob; heardUs: number }>();
  readonly #ends: (() => void)[];

  constructor(options: OpenJobsOptions) {
    this.#options = options;
    const { bus, subjects, gateway, workers, clock } = options;
    const timer = every(clock, BEAT_MS, () => this.#tick(), { background: true });
    this.#ends = [
      () => timer.close(),
      bus.subscribe(subjects.answers(gateway, '*'), ({ subject, data, undelivered }) =>
        this.#onAnswer(subject, data, undelivered),
      ),
      bus.events.on('down', () => this.#failAll('The connection to the cluster is lost.')),
      workers.events.on('gone', (id) => this.#failOf(id)),
    ];
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** Workers that hold a job. */
  get workers(): ReadonlySet<string> {
    return new Set([...this.#jobs.values()].map(({ job }) => job.worker));
  }

  /** Opens a job; the caller closes it with `close`. */
  open(
    options: Omit<RemoteJobOptions, 'bus' | 'subjects' | 'gateway'>,
    hooks: JobHooks,
    urgency: Parameters<RemoteJob['open']>[0],
  ): RemoteJob {
    const { bus, subjects, gateway, clock } = this.#options;
    const job = new RemoteJob({ ...options, bus, subjects, gateway }, hooks);
    this.#jobs.set(job.id, { job, heardUs: clock.nowUs() });
    job.open(urgency);
    return job;
  }

  close(job: RemoteJob): void {
    this.#jobs.delete(job.id);
    job.close();
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends.splice(0)) end();
    for (const { job } of this.#jobs.values()) job.close();
    this.#jobs.clear();
  }

  #onAnswer(subject: string, data: Uint8Array, undelivered: boolean): void {
    const open = this.#jobs.get(subject.slice(subject.lastIndexOf('.') + 1));
    // Of a job that is closed: the worker is told with the next list.
    if (!open) return;
    open.heardUs = this.#options.clock.nowUs();
    if (undelivered) {
      this.#options.workers.forget(open.job.worker);
      open.job.fail('gone', new GlimpseError('CLUSTER_DOWN', { message: 'The worker has left.' }));
      return;
    }
    try {
      open.job.take(decodeMessage(data, toGatewaySchema));
    } catch (error) {
      open.job.fail('protocol', toGlimpseError(error, 'CLUSTER_PROTOCOL'));
    }
  }

  #tick(): void {
    const { bus, subjects, gateway, clock } = this.#options;
    const nowUs = clock.nowUs();
    const wanted = new Map<string, string[]>();
    for (const open of this.#jobs.values()) {
      const { job } = open;
      // A job that is not asked for anything may be silent.
      if (!job.pulling) open.heardUs = nowUs;
      if (nowUs - open.heardUs > (job.receiving ? STALL_MS : SILENCE_MS) * 1_000)
        job.fail('protocol', new GlimpseError('CLUSTER_PROTOCOL', { message: 'A worker says nothing of its job.' }));
      wanted.set(job.worker, [...(wanted.get(job.worker) ?? []), job.id]);
    }
    for (const [worker, jobs] of wanted) {
      const alive: ToWorker = { type: 'alive', gateway, jobs: jobs.slice(0, WIRE.jobsMax) };
      bus.publish(subjects.worker(worker), encodeMessage(alive));
    }
  }

  #failOf(worker: string): void {
    for (const { job } of this.#jobs.values())
      if (job.worker === worker) job.fail('gone', new GlimpseError('CLUSTER_DOWN', { message: 'The worker is gone.' }));
  }

  #failAll(message: string): void {
    for (const { job } of this.#jobs.values()) job.fail('gone', new GlimpseError('CLUSTER_DOWN', { message }));
  }
}
