/**
 * One job of a gateway at this worker: takes in the rest of the job, then computes one rendition for each pull and sends
 * it as far as there is credit. Suspended between pulls, like any job of the generator.
 */
import type { InputMedia } from '../../../picture/input-media.ts';
import type { Clock } from '../../../clock.ts';
import { GlimpseError, toGlimpseError, type ErrorCode } from '../../../errors.ts';
import { kept } from '../../../lifetime/kept-promise.ts';
import type { Claim, Scheduler } from '../../engine/scheduler.ts';
import { RANKS, type Rank } from '../../engine/turn-order.ts';
import { isLastRun, type Generator, type GenerateOptions, type Rendition } from '../../generator.ts';
import { gradeOf, type Variant } from '../../grades.ts';
import type { Tier } from '../../../picture/tiers.ts';
import { SendCredit } from '../choice/credit.ts';
import { malformed } from '../wire/envelope.ts';
import { chunksOf, Collected } from '../wire/floats.ts';
import { latentBytes, unpackJob } from '../wire/job-body.ts';
import { WIRE } from '../wire/limits.ts';
import type { Open, ToGateway, ToWorker } from '../wire/messages.ts';
import { packRendition } from '../wire/rendition-body.ts';
import type { UploadStore } from './upload-store.ts';

export interface WorkerJobOptions {
  open: Open;
  clock: Clock;
  generator: Generator;
  scheduler: Pick<Scheduler, 'turn' | 'costs'>;
  uploads: UploadStore;
  send: (header: ToGateway, pieces?: readonly Uint8Array[]) => void;
}

type PullMessage = Extract<ToWorker, { type: 'pull' }>;

export class WorkerJob {
  readonly open: Open;
  /** Resolves when the job has left nothing behind; never rejects. */
  readonly done: Promise<void>;
  readonly #options: WorkerJobOptions;
  readonly #abort = new AbortController();
  readonly #body: Collected;
  readonly #credit: SendCredit;
  readonly #claim: Claim;
  #input: Collected | undefined;
  #pull: PullMessage | undefined;
  #variant: Variant | undefined;
  #working = false;
  /** The tier sent last. */
  #sent: Tier | undefined;
  #failedWith: ErrorCode | undefined;
  #draining = false;
  #ended = false;
  #wake = Promise.withResolvers<void>();

  constructor(options: WorkerJobOptions) {
    const { open } = options;
    this.open = open;
    this.#options = options;
    if (latentBytes(open.latents) !== open.bytes) throw malformed('a job with other bytes than announced');
    this.#body = new Collected(open.bytes);
    this.#credit = new SendCredit(open.credit, WIRE.windowBytes);
    const { user, weight } = open;
    this.#claim = { rank: RANKS.background, deadlineUs: Number.MAX_SAFE_INTEGER, costMs: 0, user, weight };
    this.done = kept(this.#run());
  }

  /** A rendition is asked for and not computed. */
  get working(): boolean {
    return this.#working;
  }

  /** Expected compute time of what it is asked for, ms. */
  get costMs(): number {
    return this.#working ? this.#claim.costMs : 0;
  }

  /** @throws GlimpseError CLUSTER_PROTOCOL for what does not fit the job */
  take(message: Exclude<ToWorker, { type: 'open' | 'alive' }>, bytes: Uint8Array): void {
    switch (message.type) {
      case 'part':
        if (!this.#body.add(bytes)) throw malformed('other bytes of a job than announced');
        break;
      case 'input':
        if (this.#input?.add(bytes) !== true) throw malformed('other bytes of an upload than announced');
        break;
      case 'pull':
        if (this.#pull) throw malformed('a second pull before the first is answered');
        this.#pull = message;
        this.#variant = message.variant;
        break;
      case 'credit':
        this.#credit.add(message.bytes);
        break;
      case 'cancel':
        this.cancel();
        break;
    }
    this.#awake();
  }

  /** Finishes the rendition that is asked for, and no more: the gateway goes on elsewhere with what it has. */
  drain(): void {
    this.#draining = true;
    this.#awake();
  }

  /** Stops between two steps. Idempotent. */
  cancel(): void {
    this.#abort.abort();
    this.#awake();
  }

  /** The code it failed with, if it did. */
  get failedWith(): ErrorCode | undefined {
    return this.#failedWith;
  }

  /** Ends with the reason as the gateway's answer. */
  fail(error: GlimpseError): void {
    if (this.#abort.signal.aborted) return;
    const { code, message, retryAfterMs } = error;
    this.#failedWith = code;
    this.#options.send({
      type: 'failed',
      job: this.open.job,
      code,
      message: message.slice(0, 500),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    this.cancel();
  }

  async #run(): Promise<void> {
    try {
      await this.#until(() => this.#body.complete);
      const job = unpackJob(this.open, this.#body.bytes, await this.#upload());
      const iterator = this.#options.generator.generate(job, this.#generateOptions())[Symbol.asyncIterator]();
      try {
        while (!this.#draining && (await this.#step(iterator)));
      } finally {
        await iterator.return?.();
      }
      if (this.#draining && !this.#ended)
        this.#options.send({ type: 'refused', job: this.open.job, reason: 'draining' });
    } catch (error) {
      this.fail(toGlimpseError(error, 'GENERATOR_DOWN'));
    }
  }

  /** Answers one pull; false when there is no more. */
  async #step(iterator: AsyncIterator<Rendition>): Promise<boolean> {
    await this.#until(() => this.#pull !== undefined || this.#draining);
    if (!this.#pull) return false;
    this.#obey(this.#pull);
    this.#working = true;
    try {
      const { value, done } = await iterator.next();
      this.#working = false;
      // The next pull may come as soon as the last byte is there.
      this.#pull = undefined;
      if (done === true) {
        this.#ended = true;
        this.#options.send({ type: 'end', job: this.open.job });
        return false;
      }
      this.#learn(value);
      await this.#send(value);
      return true;
    } finally {
      this.#working = false;
    }
  }

  #obey(pull: PullMessage | undefined): void {
    if (!pull) return;
    const { clock, scheduler } = this.#options;
    this.#claim.rank = pull.rank as Rank;
    if (pull.dueInMs !== null) this.#claim.deadlineUs = clock.nowUs() + pull.dueInMs * 1_000;
    const tier = this.#nextTier;
    this.#claim.costMs = scheduler.costs.gradeMs(gradeOf({ tier, variant: pull.variant })) ?? 0;
  }

  /** The tier that the next pull most likely asks for. */
  get #nextTier(): Tier {
    const { info } = this.#options.generator;
    const first = this.open.slice.startAtTier ?? info.tiers[0]?.tier ?? 'draft';
    if (this.#sent === undefined) return first;
    const at = info.tiers.findIndex(({ tier }) => tier === this.#sent);
    return info.tiers[at + 1]?.tier ?? this.#sent;
  }

  #learn(rendition: Rendition): void {
    const { generator, scheduler } = this.#options;
    if (!isLastRun(rendition, generator.info.slice.frames)) return;
    this.#sent = rendition.tier;
    if (rendition.cached === undefined) scheduler.costs.observe(gradeOf(rendition), rendition.computeMs);
  }

  async #send(rendition: Rendition): Promise<void> {
    const { send } = this.#options;
    const { job, pack } = this.open;
    const { head, parts } = packRendition(rendition, { job, pack });
    send(head);
    for (const chunk of chunksOf(parts, WIRE.chunkMaxBytes)) {
      const bytes = chunk.reduce((sum, { length }) => sum + length, 0);
      await this.#until(() => this.#credit.take(bytes));
      send({ type: 'chunk', job }, chunk);
    }
  }

  /** The job's upload: kept from an earlier job, or asked for. */
  async #upload(): Promise<InputMedia | undefined> {
    const { input, job } = this.open;
    if (!input) return undefined;
    const { uploads, send } = this.#options;
    const { kind, mediaType, sha256, bytes } = input;
    const known = uploads.get(sha256);
    if (known) return { kind, mediaType, sha256, data: known };
    const collected = new Collected(bytes);
    this.#input = collected;
    send({ type: 'needs', job, sha256 });
    await this.#until(() => collected.complete);
    if (!uploads.put(sha256, collected.bytes)) throw malformed('an upload with another digest');
    return { kind, mediaType, sha256, data: collected.bytes };
  }

  #generateOptions(): GenerateOptions {
    const { scheduler, send } = this.#options;
    const { job } = this.open;
    const { signal } = this.#abort;
    return {
      signal,
      urgency: this.#claim,
      turn: (unit) => scheduler.turn(unit, this.#claim, signal),
      variant: () => this.#variant ?? 'full',
      onRetry: ({ code }) => send({ type: 'retry', job, code }),
      onProgress: ({ ratio, queuePosition }) =>
        send({ type: 'progress', job, ratio, ...(queuePosition === undefined ? {} : { queuePosition }) }),
    };
  }

  /** Waits for messages until `condition` holds. @throws GlimpseError ABORTED */
  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.#abort.signal.aborted) throw new GlimpseError('ABORTED');
      if (condition()) return;
      await this.#wake.promise;
    }
  }

  #awake(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
