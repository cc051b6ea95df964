/**
 * One job at one worker: opened once, pulled tier by tier, closed. Everything the worker sends is checked, counted
 * against its credit, and refused when it was not asked for.
 */
import { randomBytes } from 'node:crypto';
import { GlimpseError, toGlimpseError } from '../../../errors.ts';
import { kept } from '../../../lifetime/kept-promise.ts';
import type { GenerateOptions, Rendition, SliceJob, Urgency } from '../../generator.ts';
import type { Variant } from '../../grades.ts';
import type { Bus } from '../bus.ts';
import { ReceiveCredit } from '../choice/credit.ts';
import { encodeMessage, malformed, type Envelope } from '../wire/envelope.ts';
import { chunksOf } from '../wire/floats.ts';
import { packJob } from '../wire/job-body.ts';
import { WIRE } from '../wire/limits.ts';
import type { Open, ToGateway, ToWorker } from '../wire/messages.ts';
import { RenditionReader, type Expected } from '../wire/rendition-reader.ts';
import type { Subjects } from '../wire/subjects.ts';

/** Why a job ended without its last rendition. `generator`: the worker is fine, its generator is not. */
export type Fault = 'gone' | 'refused' | 'protocol' | 'generator';

export interface RemoteJobOptions {
  bus: Bus;
  subjects: Subjects;
  gateway: string;
  worker: string;
  stream: string;
  job: SliceJob;
  expected: Omit<Expected, 'job' | 'slice'>;
}

export interface Pull {
  variant: Variant | undefined;
  urgency: Readonly<Urgency> | undefined;
  /** Until the result is needed, ms; undefined: whenever. */
  dueInMs: number | undefined;
}

/** What is told of a job beside its renditions. */
export type JobHooks = Pick<GenerateOptions, 'onProgress' | 'onRetry'>;

export class RemoteJob {
  readonly id = randomBytes(12).toString('hex');
  readonly worker: string;
  readonly #options: RemoteJobOptions;
  readonly #hooks: JobHooks;
  readonly #reader: RenditionReader;
  readonly #credit = new ReceiveCredit(WIRE.windowBytes);
  #pull: PromiseWithResolvers<Rendition | undefined> | undefined;
  #ended = false;
  #closed = false;
  #inputSent = false;
  #notes = 0;
  #fault: Fault | undefined;
  #error: GlimpseError | undefined;

  constructor(options: RemoteJobOptions, hooks: JobHooks) {
    const { worker, job, expected } = options;
    this.#options = options;
    this.#hooks = hooks;
    this.worker = worker;
    this.#reader = new RenditionReader({ ...expected, job: this.id, slice: job });
  }

  /** Set once it has failed. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** A rendition is asked for and not complete. */
  get pulling(): boolean {
    return this.#pull !== undefined;
  }

  /** A rendition has begun to arrive and is not complete. */
  get receiving(): boolean {
    return this.#reader.reading;
  }

  open(urgency: Readonly<Urgency> | undefined): void {
    const { gateway, stream, job, expected, bus, subjects, worker } = this.#options;
    const { slice, latents, parts, bytes } = packJob(job);
    const { input } = job;
    const open: Open = {
      type: 'open',
      job: this.id,
      gateway,
      pack: expected.pack,
      stream,
      user: urgency?.user ?? stream,
      weight: urgency?.weight ?? 1,
      slice,
      latents,
      ...(input
        ? { input: { kind: input.kind, mediaType: input.mediaType, sha256: input.sha256, bytes: input.data.length } }
        : {}),
      bytes,
      credit: WIRE.windowBytes,
    };
    // Comes back at once if the worker has left.
    bus.publish(subjects.worker(worker), encodeMessage(open), subjects.answers(gateway, this.id));
    for (const chunk of chunksOf(parts, WIRE.chunkMaxBytes)) this.#send({ type: 'part', job: this.id }, chunk);
  }

  /**
   * The next rendition; undefined when the worker has no more. One pull at a time.
   * @throws GlimpseError CLUSTER_DOWN, CLUSTER_PROTOCOL, or what the worker's generator failed with; `fault` says which
   */
  pull({ variant, urgency, dueInMs }: Pull): Promise<Rendition | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    if (this.#closed) return Promise.reject(this.#error ?? new GlimpseError('ABORTED'));
    this.#pull = Promise.withResolvers();
    const pulled = kept(this.#pull.promise);
    const rank = urgency?.rank ?? 3;
    this.#send({ type: 'pull', job: this.id, rank, dueInMs: dueInMs ?? null, ...(variant ? { variant } : {}) });
    return pulled;
  }

  /** A message on the job's subject. Never throws. */
  take(message: Envelope<ToGateway>): void {
    if (this.#closed || this.#ended) return;
    try {
      this.#take(message);
    } catch (error) {
      this.fail('protocol', toGlimpseError(error, 'CLUSTER_PROTOCOL'));
    }
  }

  /** Ends the job for a reason that lies outside it. */
  fail(fault: Fault, error: GlimpseError): void {
    if (this.#closed) return;
    this.#fault = fault;
    this.#error = error;
    this.close();
  }

  /** Tells the worker that nothing more is wanted. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#ended) this.#send({ type: 'cancel', job: this.id });
    this.#pull?.reject(this.#error ?? new GlimpseError('ABORTED'));
    this.#pull = undefined;
  }

  #take({ header, bytes }: Envelope<ToGateway>): void {
    if (header.job !== this.id) throw malformed('a message of another job');
    switch (header.type) {
      case 'rendition':
        if (!this.#pull) throw malformed('a rendition that was not asked for');
        this.#reader.begin(header);
        break;
      case 'chunk':
        this.#takeChunk(bytes);
        break;
      case 'progress':
      case 'retry':
      case 'needs':
        this.#takeNote(header);
        break;
      case 'end':
        if (this.#reader.reading) throw malformed('an end within a rendition');
        this.#ended = true;
        this.#resolve(undefined);
        break;
      case 'refused':
        this.fail(
          'refused',
          new GlimpseError('CLUSTER_DOWN', { message: `The worker takes no job: ${header.reason}.` }),
        );
        break;
      case 'failed': {
        const { code, message, retryAfterMs } = header;
        const details = {
          ...(message === undefined ? {} : { message }),
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        };
        this.fail('generator', new GlimpseError(code === 'ABORTED' ? 'GENERATOR_DOWN' : code, details));
        break;
      }
    }
  }

  #takeChunk(bytes: Uint8Array): void {
    if (!this.#credit.receive(bytes.length)) throw malformed('more bytes than it may');
    const rendition = this.#reader.add(bytes);
    const due = this.#credit.due();
    if (due > 0) this.#send({ type: 'credit', job: this.id, bytes: due });
    if (rendition) this.#resolve(rendition);
  }

  #takeNote(note: Extract<ToGateway, { type: 'progress' | 'retry' | 'needs' }>): void {
    if (++this.#notes > WIRE.notesMax) throw malformed('more reports than any job has');
    if (note.type === 'retry') this.#hooks.onRetry?.(new GlimpseError(note.code));
    else if (note.type === 'needs') this.#sendInput(note.sha256);
    else {
      const { ratio, queuePosition } = note;
      this.#hooks.onProgress?.({ ratio, ...(queuePosition === undefined ? {} : { queuePosition }) });
    }
  }

  #sendInput(sha256: string): void {
    const { input } = this.#options.job;
    if (input?.sha256 !== sha256 || this.#inputSent) throw malformed('a request for an upload that is not of this job');
    this.#inputSent = true;
    for (const chunk of chunksOf([input.data], WIRE.chunkMaxBytes)) this.#send({ type: 'input', job: this.id }, chunk);
  }

  #resolve(rendition: Rendition | undefined): void {
    const pull = this.#pull;
    this.#pull = undefined;
    pull?.resolve(rendition);
  }

  #send(header: ToWorker, pieces?: readonly Uint8Array[]): void {
    const { bus, subjects, worker } = this.#options;
    bus.publish(subjects.worker(worker), encodeMessage(header, pieces));
  }
}
