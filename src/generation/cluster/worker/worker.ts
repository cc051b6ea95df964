/**
 * A worker: computes slices for the gateways of a cluster with any local generator. It keeps nothing of a stream but a
 * lease; what a slice continues from comes with each job. A gateway that is no longer heard loses its jobs and leases.
 */
import { every, type Clock } from '../../../clock.ts';
import { GlimpseError, toGlimpseError } from '../../../errors.ts';
import { Emitter } from '../../../events.ts';
import type { Log } from '../../../log.ts';
import type { Scheduler } from '../../engine/scheduler.ts';
import type { Generator } from '../../generator.ts';
import type { Bus } from '../bus.ts';
import { Leases } from '../choice/leases.ts';
import { BEAT_MS, Presence } from '../choice/presence.ts';
import { decodeMessage, encodeMessage, type Envelope } from '../wire/envelope.ts';
import {
  toWorkerSchema,
  type Beat,
  type Open,
  type REFUSALS,
  type ToGateway,
  type ToWorker,
} from '../wire/messages.ts';
import { WIRE } from '../wire/limits.ts';
import type { Subjects } from '../wire/subjects.ts';
import { Answers } from './answers.ts';
import { UploadStore } from './upload-store.ts';
import { WorkerJob } from './worker-job.ts';

export interface WorkerSettings {
  /** Of this process alone: two workers may have one name. */
  id: string;
  /** For people. */
  name: string;
  /** What its pictures depend on besides the job; gateways ask only workers of their pack. */
  pack: string;
  /** Jobs at once, computing or suspended. */
  jobsMax: number;
}

export interface WorkerOptions {
  bus: Bus;
  subjects: Subjects;
  clock: Clock;
  log: Log;
  generator: Generator;
  scheduler: Pick<Scheduler, 'turn' | 'costs'>;
  settings: WorkerSettings;
}

export interface WorkerEvents {
  /** An operator asks it to drain and end. */
  drain: [];
  /** A job has ended, for the metrics; the code if it failed. */
  ended: [code: string | undefined];
}

const LEASES_MAX = 10_000;
/** Eight beats: no one waits for this end, and a gateway that is busy for a moment keeps its jobs. */
const GATEWAY_GONE_AFTER_MS = 8 * BEAT_MS;
/** Gateways that are remembered at once. */
const GATEWAYS_MAX = 4_096;

export class Worker implements AsyncDisposable {
  readonly events = new Emitter<WorkerEvents>();
  readonly #options: WorkerOptions;
  readonly #jobs = new Map<string, WorkerJob>();
  readonly #leases = new Leases(LEASES_MAX);
  readonly #gateways = new Presence(GATEWAY_GONE_AFTER_MS);
  readonly #uploads = new UploadStore();
  readonly #ends: (() => void)[];
  #state: Beat['state'] = 'warming';
  #count = 0;
  #idle = Promise.withResolvers<void>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { bus, subjects, settings, generator, clock } = options;
    const timer = every(clock, BEAT_MS, () => this.#tick());
    const answers = new Answers({ generator, pack: settings.pack, leases: this.#leases, clock }, () => {
      this.events.emit('drain');
    });
    this.#ends = [
      () => timer.close(),
      bus.subscribe(subjects.worker(settings.id), ({ data }) => this.#onMessage(data)),
      bus.subscribe(subjects.ask(settings.id), (message) => void answers.answer(message)),
      bus.subscribe(subjects.roll, () => this.#beat()),
      bus.events.on('down', () => this.#cancelAll()),
      bus.events.on('up', () => this.#tick()),
    ];
    this.#beat();
  }

  get beat(): Beat {
    const { settings, scheduler, generator } = this.#options;
    const { id, name, pack, jobsMax } = settings;
    const jobs = [...this.#jobs.values()];
    const costs = generator.info.tiers.map(({ tier }) => [tier, scheduler.costs.gradeMs(tier) ?? 0] as const);
    return {
      type: 'beat',
      id,
      name,
      pack,
      jobsMax,
      state: this.#state,
      count: this.#count,
      jobs: jobs.length,
      leases: this.#leases.size,
      backlogMs: jobs.reduce((sum, { costMs }) => sum + costMs, 0),
      costsMs: Object.fromEntries(costs.filter(([, ms]) => ms > 0)),
    };
  }

  /** Takes jobs from now on. */
  ready(): void {
    if (this.#state === 'warming') this.#state = 'ready';
    this.#beat();
  }

  /** Takes no more jobs; resolves when those it has are done. */
  async drain(): Promise<void> {
    this.#state = 'draining';
    this.#leases.clear();
    this.#beat();
    for (const job of this.#jobs.values()) job.drain();
    if (this.#jobs.size > 0) await this.#idle.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    const jobs = [...this.#jobs.values()];
    for (const job of jobs) job.cancel();
    await Promise.all(jobs.map(({ done }) => done));
    this.events.clear();
  }

  #onMessage(data: Uint8Array): void {
    let message: Envelope<ToWorker>;
    try {
      message = decodeMessage(data, toWorkerSchema);
    } catch (error) {
      const { code } = toGlimpseError(error);
      this.#options.log.warn({ code }, 'a message of a gateway was ignored: it does not fit the protocol');
      return;
    }
    const { header, bytes } = message;
    if (header.type === 'open') this.#open(header);
    else if (header.type === 'alive') this.#alive(header);
    else this.#pass(header, bytes);
  }

  #open(open: Open): void {
    const { clock, generator, scheduler, settings, log } = this.#options;
    const refusal = this.#refusal(open);
    if (refusal) {
      this.#refuse(open, refusal);
      return;
    }
    this.#gateways.see(open.gateway, clock.nowUs());
    try {
      const send = (header: ToGateway, pieces?: readonly Uint8Array[]): void => this.#send(open, header, pieces);
      const job = new WorkerJob({ open, clock, generator, scheduler, uploads: this.#uploads, send });
      this.#jobs.set(open.job, job);
      void job.done.then(() => this.#onDone(job));
    } catch (error) {
      log.warn({ err: error, worker: settings.name }, 'a job was refused');
      this.#refuse(open, 'full');
    }
  }

  #refusal({ job, pack, stream, gateway, bytes }: Open): (typeof REFUSALS)[number] | undefined {
    const { clock, settings } = this.#options;
    if (this.#state !== 'ready') return this.#state;
    if (pack !== settings.pack) return 'pack';
    const isKnown = this.#gateways.has(gateway) || this.#gateways.size < GATEWAYS_MAX;
    const heldBytes = [...this.#jobs.values()].reduce((sum, { open }) => sum + open.bytes, bytes);
    if (heldBytes > WIRE.jobsMaxBytes || this.#jobs.size >= settings.jobsMax || this.#jobs.has(job) || !isKnown)
      return 'full';
    return this.#leases.renew(stream, gateway, clock.nowUs()) ? undefined : 'full';
  }

  #refuse(open: Pick<Open, 'gateway' | 'job'>, reason: (typeof REFUSALS)[number]): void {
    this.#send(open, { type: 'refused', job: open.job, reason });
  }

  #pass(header: Exclude<ToWorker, { type: 'open' | 'alive' }>, bytes: Uint8Array): void {
    const job = this.#jobs.get(header.job);
    try {
      job?.take(header, bytes);
    } catch (error) {
      job?.fail(toGlimpseError(error, 'CLUSTER_PROTOCOL'));
    }
  }

  /**
   * Jobs that the gateway no longer lists have ended there; a message of it was lost. Jobs that it lists and that are
   * not here have ended here: it is told, or it would wait for ever.
   */
  #alive({ gateway, jobs }: Extract<ToWorker, { type: 'alive' }>): void {
    for (const job of jobs) if (!this.#jobs.has(job)) this.#refuse({ gateway, job }, 'unknown');
    if (!this.#gateways.has(gateway)) return;
    this.#gateways.see(gateway, this.#options.clock.nowUs());
    const wanted = new Set(jobs);
    for (const job of this.#jobs.values()) if (job.open.gateway === gateway && !wanted.has(job.open.job)) job.cancel();
  }

  #onDone(job: WorkerJob): void {
    this.#jobs.delete(job.open.job);
    this.events.emit('ended', job.failedWith);
    if (![...this.#jobs.values()].some(({ open }) => open.gateway === job.open.gateway))
      this.#gateways.forget(job.open.gateway);
    if (this.#jobs.size > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  #tick(): void {
    const nowUs = this.#options.clock.nowUs();
    if (this.#options.bus.connected) {
      for (const gateway of this.#gateways.sweep(nowUs)) {
        this.#leases.endOf(gateway);
        for (const job of this.#jobs.values()) if (job.open.gateway === gateway) job.cancel();
      }
    }
    this.#leases.expire(nowUs);
    this.#beat();
  }

  #beat(): void {
    const { bus, subjects, settings } = this.#options;
    this.#count += 1;
    bus.publish(subjects.beat(settings.id), encodeMessage(this.beat));
  }

  /** Answers may be lost, so every gateway asks again. */
  #cancelAll(): void {
    for (const job of this.#jobs.values()) job.cancel();
  }

  #send({ gateway, job }: Pick<Open, 'gateway' | 'job'>, header: ToGateway, pieces?: readonly Uint8Array[]): void {
    const { bus, subjects } = this.#options;
    bus.publish(subjects.answers(gateway, job), encodeMessage(header, pieces));
  }
}

/** @throws GlimpseError CONFIG_INVALID for a pack that cannot be announced */
export function checkedPack(pack: string): string {
  if (pack.length > 0 && pack.length <= 256) return pack;
  throw new GlimpseError('CONFIG_INVALID', { message: 'the name of the pack is too long for the cluster' });
}
