/**
 * Decodes a camera in a process of its own, with an empty environment and little memory: a hostile stream that crashes or
 * hangs the codec ends this decoder and nothing else. Pictures are fetched one at a time, always the newest, so that a
 * slow reader costs no memory and gets no old pictures.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { Emitter } from '../../events.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import { LIMITS } from '../../limits.ts';
import { i420Bytes } from '../../picture/frame.ts';
import type { LivePicture, LiveSource } from '../../picture/live-source.ts';
import type { Rung } from '../../picture/rung.ts';
import type { VideoCodec } from '../encode/encoder.ts';
import { NO_ENVIRONMENT } from '../ffmpeg-binary.ts';
import { NODE_RESERVES_BYTES, withMemoryLimit } from '../upload/limited-process.ts';
import { MessageReader, REPLY, REQUEST, writeHead, type Message } from './live-wire.ts';

/** One encoded picture, as the receive path hands it out. */
export interface EncodedPicture {
  data: Uint8Array;
  keyframe: boolean;
}

export interface LiveDecoderEvents {
  /** Pictures were lost or could not be decoded: the sender should send a keyframe. */
  keyframeNeeded: [];
  /** There is a newer picture. */
  decoded: [];
  /** The decoder has ended by itself: LIVE_INPUT_INVALID, or LIVE_INPUT_UNSUPPORTED where it cannot start. */
  failed: [error: GlimpseError];
}

export interface LiveDecoderOptions {
  codec: VideoCodec;
  clock: Clock;
  /** The process, for tests of one that misbehaves; default: live-process.ts. */
  command?: readonly string[];
}

interface Waiting {
  after: number;
  done: () => void;
}

const NO_DATA = new Uint8Array(0);
const PICTURE_MAX_BYTES = i420Bytes(LIMITS.inputMaxSidePx, LIMITS.inputMaxSidePx);

export class LiveDecoder implements LiveSource {
  readonly events = new Emitter<LiveDecoderEvents>();
  readonly #options: LiveDecoderOptions;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #reader = new MessageReader(PICTURE_MAX_BYTES);
  readonly #ended: Promise<void>;
  /** Encoded pictures that the process has not answered for, oldest first. */
  #pending: { number: number; bytes: number; sentUs: number; keyframe: boolean }[] = [];
  #pendingBytes = 0;
  #number = 0;
  #newest = 0;
  #skipping = false;
  #badKeyframes = 0;
  #state: 'starting' | 'open' | 'closed' = 'starting';
  #early: EncodedPicture[] = [];
  #fetching: { size: Rung; done: (picture: LivePicture | undefined) => void } | undefined;
  #fetch: Promise<unknown> = Promise.resolve();
  #waiting = new Set<Waiting>();

  constructor(options: LiveDecoderOptions) {
    this.#options = options;
    const memoryBytes = NODE_RESERVES_BYTES + LIMITS.cameraDecodeMemoryBytes;
    const [program = '', ...rest] = withMemoryLimit(options.command ?? [process.execPath, processPath()], memoryBytes);
    this.#process = spawn(program, rest, {
      env: NO_ENVIRONMENT,
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
    });
    this.#process.stdin.on('error', () => {});
    this.#process.stdout.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#onEnd();
        resolve();
      };
      this.#process.once('error', () => this.#process.pid === undefined && end());
      this.#process.once('close', end);
    });
    this.#send(REQUEST.open, { a: options.codec === 'VP8' ? 0 : 1 });
  }

  /** Number of the newest picture decoded so far; 0 for none. */
  get newestNumber(): number {
    return this.#newest;
  }

  /** Takes the next encoded picture. Drops pictures up to the next keyframe when the process falls behind. */
  push(picture: EncodedPicture): void {
    if (this.#state === 'closed' || (this.#skipping && !picture.keyframe)) return;
    if (this.#state === 'starting') return this.#pushEarly(picture);
    if (this.#checkHang()) return;
    const full =
      this.#pending.length >= LIMITS.cameraDecodingMax || this.#pendingBytes >= LIMITS.cameraDecodingMaxBytes;
    if (full) return this.#skip();
    this.#skipping = false;
    const number = ++this.#number;
    const { data, keyframe } = picture;
    this.#pending.push({ number, bytes: data.length, sentUs: this.#options.clock.nowUs(), keyframe });
    this.#pendingBytes += data.length;
    this.#send(REQUEST.unit, { b: number, data });
  }

  newest(size: Rung): Promise<LivePicture | undefined> {
    const fetched = kept(this.#after(this.#fetch, () => this.#fetchNow(size)));
    this.#fetch = fetched;
    return fetched;
  }

  async next(size: Rung, after: number, signal: AbortSignal): Promise<LivePicture | undefined> {
    if (this.#newest <= after && this.#state !== 'closed' && !signal.aborted) await this.#newer(after, signal);
    return signal.aborted ? undefined : this.newest(size);
  }

  /** Idempotent. Resolves when the process has ended. */
  close(): Promise<void> {
    this.#end();
    this.events.clear();
    return this.#ended;
  }

  async #after<Result>(previous: Promise<unknown>, work: () => Promise<Result>): Promise<Result> {
    await previous;
    return work();
  }

  /** Resolves when there is a newer picture, the signal aborts or the decoder ends. */
  #newer(after: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting: Waiting = {
        after,
        done: () => {
          this.#waiting.delete(waiting);
          signal.removeEventListener('abort', waiting.done);
          resolve();
        },
      };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', waiting.done);
    });
  }

  #fetchNow(size: Rung): Promise<LivePicture | undefined> {
    if (this.#state !== 'open' || this.#newest === 0) return Promise.resolve(undefined);
    return new Promise((done) => {
      this.#fetching = { size, done };
      this.#send(REQUEST.want, { a: size.widthPx, c: size.heightPx });
    });
  }

  /** Only what follows the last keyframe can be of use once the process is there. */
  #pushEarly(picture: EncodedPicture): void {
    if (picture.keyframe) this.#early = [];
    if (this.#early.length < LIMITS.cameraDecodingMax) this.#early.push(picture);
    else this.#skipping = true;
  }

  #skip(): void {
    this.#skipping = true;
    this.events.emit('keyframeNeeded');
  }

  #take(chunk: Buffer): void {
    const messages = this.#reader.take(chunk);
    if (messages === undefined) return this.#fail('LIVE_INPUT_INVALID');
    for (const message of messages) this.#onMessage(message);
  }

  #onMessage(message: Message): void {
    if (this.#state === 'closed') return;
    if (message.type === REPLY.ready && this.#state === 'starting') this.#onReady();
    else if (message.type === REPLY.decoded) this.#onDecoded(message);
    else if (message.type === REPLY.picture || message.type === REPLY.nothing) this.#onPicture(message);
  }

  #onReady(): void {
    this.#state = 'open';
    const early = this.#early;
    this.#early = [];
    const wasFull = this.#skipping;
    this.#skipping = false;
    for (const picture of early) this.push(picture);
    if (wasFull) this.#skip();
  }

  #onDecoded({ a: failed, b: number, c: newest }: Message): void {
    const answered = this.#pending.findIndex((pending) => pending.number === number);
    if (answered === -1) return;
    const done = this.#pending.splice(0, answered + 1);
    for (const { bytes } of done) this.#pendingBytes -= bytes;
    if (failed !== 0) return this.#onUndecodable(done.at(-1)!.keyframe);
    this.#badKeyframes = 0;
    if (newest <= this.#newest || newest > this.#number) return;
    this.#newest = newest;
    for (const waiting of this.#waiting) if (waiting.after < newest) waiting.done();
    this.events.emit('decoded');
  }

  #onUndecodable(keyframe: boolean): void {
    if (keyframe) this.#badKeyframes += 1;
    if (this.#badKeyframes >= LIMITS.cameraBadKeyframesMax) return this.#fail('LIVE_INPUT_INVALID');
    this.#skip();
  }

  #onPicture({ type, a, b, c, data }: Message): void {
    const fetching = this.#fetching;
    this.#fetching = undefined;
    if (fetching === undefined) return;
    const { widthPx, heightPx } = fetching.size;
    const whole = type === REPLY.picture && a === widthPx && c === heightPx && data.length === i420Bytes(a, c);
    // A copy: the message is a view into what the pipe delivered.
    fetching.done(whole ? { frame: { widthPx, heightPx, data: new Uint8Array(data) }, number: b } : undefined);
  }

  #checkHang(): boolean {
    const [oldest] = this.#pending;
    const waitedUs = oldest === undefined ? 0 : this.#options.clock.nowUs() - oldest.sentUs;
    if (waitedUs < LIMITS.cameraDecodeTimeoutMs * 1_000) return false;
    this.#fail('LIVE_INPUT_INVALID');
    return true;
  }

  #send(type: number, { a = 0, b = 0, c = 0, data = NO_DATA }: Partial<Omit<Message, 'type'>>): void {
    const { stdin } = this.#process;
    stdin.write(writeHead({ type, a, b, c, data }));
    if (data.length > 0) stdin.write(data);
  }

  /** The process is gone: by our own doing, or because the codec crashed or could not be loaded. */
  #onEnd(): void {
    this.#fail(this.#state === 'starting' ? 'LIVE_INPUT_UNSUPPORTED' : 'LIVE_INPUT_INVALID');
  }

  #fail(code: 'LIVE_INPUT_INVALID' | 'LIVE_INPUT_UNSUPPORTED'): void {
    if (this.#state === 'closed') return;
    this.#end();
    this.events.emit('failed', new GlimpseError(code));
  }

  #end(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#process.kill('SIGKILL');
    this.#early = [];
    this.#pending = [];
    this.#fetching?.done(undefined);
    this.#fetching = undefined;
    for (const { done } of this.#waiting) done();
  }
}

/** Run from source this file is TypeScript, compiled it is JavaScript; the process file is of the same kind. */
const processPath = (): string =>
  fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './live-process.ts' : './live-process.js', import.meta.url));
