/**
 * The fallback encoder where node-av does not load: the same codecs in a child of the bundled ffmpeg.
 *
 * VP8 follows every bitrate by stretched time stamps, as in process. With x264 that costs one frame of delay (it waits
 * for the next frame to learn this one's duration), and it accepts no new rate from outside. So H.264 replaces its
 * child when the rate has changed by more than `RESTART_BAND`, at most every `RESTART_HOLD_MS` of media time. Each
 * replacement costs an extra keyframe, so prefer VP8 here.
 */
import { GlimpseError } from '../../errors.ts';
import { spendableMs } from './codec-options.ts';
import type { AccessUnit, EncodeOptions, EncoderSettings, VideoCodec, VideoEncoder } from './encoder.ts';
import { ffmpegBinary } from '../ffmpeg-binary.ts';
import { CHILD_TICKS_HZ, FfmpegChild } from './ffmpeg-child.ts';
import { type I420Frame, i420Bytes } from '../../picture/frame.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import { SerialQueue } from '../../lifetime/serial-queue.ts';
import { LIMITS } from '../../limits.ts';
import { OpeningCredit } from './opening-credit.ts';
import { scaleI420 } from './scale.ts';

/** Half of the rate error that the contract allows. */
const RESTART_BAND = 0.075;
const RESTART_HOLD_MS = 500;
/** Weight of the newest frame in the average frame duration: a change of frame rate counts, jitter does not. */
const DURATION_WEIGHT = 0.2;

export class FfmpegEncoder implements VideoEncoder {
  readonly codec: VideoCodec;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly #binaryPath: string;
  readonly #settings: EncoderSettings;
  readonly #children = new Set<FfmpegChild>();
  #current: FfmpegChild;
  /** Opening rate of the current child; only H.264 changes it. */
  #openedBps: number;
  #sinceRestartMs = 0;
  readonly #opening = new OpeningCredit();
  #frameMs: number;
  #ptsTicks = 0;
  /** The children's answers, in the order of the frames. */
  readonly #answers = new SerialQueue(LIMITS.serialWorkMax);
  #closed = false;

  private constructor(binaryPath: string, settings: EncoderSettings) {
    this.codec = settings.codec;
    this.widthPx = settings.widthPx;
    this.heightPx = settings.heightPx;
    this.#binaryPath = binaryPath;
    this.#settings = settings;
    this.#openedBps = settings.bitrateBps;
    this.#frameMs = 1000 / settings.fps;
    this.#current = this.#start(settings.bitrateBps);
  }

  /** @throws GlimpseError ENCODER_FAILED when there is no ffmpeg for this platform */
  static async open(settings: EncoderSettings): Promise<FfmpegEncoder> {
    const binary = await ffmpegBinary();
    if (binary === undefined)
      throw new GlimpseError('ENCODER_FAILED', { message: 'There is no ffmpeg program for this platform.' });
    return new FfmpegEncoder(binary.path, settings);
  }

  /** Process ids of the running children; for `/proc` and for tests. */
  get pids(): number[] {
    return [...this.#children].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  async encode(frame: I420Frame, options: EncodeOptions): Promise<AccessUnit> {
    if (this.#closed) throw new GlimpseError('ENCODER_CLOSED');
    if (frame.data.length !== i420Bytes(frame.widthPx, frame.heightPx)) {
      throw new GlimpseError('ENCODER_FAILED', { message: 'The frame has more or fewer bytes than its size needs.' });
    }
    const startedMs = performance.now();
    const { keyframe, bitrateBps } = options;
    const durationMs = spendableMs(options, this.#settings);
    const { data } = scaleI420(frame, this.widthPx, this.heightPx);
    const ticks = this.#spend(bitrateBps, durationMs);
    const picture = kept(
      this.#current.push(data, { ptsTicks: this.#ptsTicks, keyframe: keyframe && this.#ptsTicks > 0 }),
    );
    this.#ptsTicks += ticks;
    const encoded = await this.#answers.run(() => picture);
    this.#opening.spent(encoded.data.length, { bitrateBps, durationMs });
    const { widthPx, heightPx } = this;
    return { ...encoded, widthPx, heightPx, encodeMs: performance.now() - startedMs };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#children].map((child) => child.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Prepares the child for the next frame's budget; returns the duration to report to the child, in ticks. */
  #spend(bitrateBps: number, durationMs: number): number {
    const { fps } = this.#settings;
    if (this.codec === 'VP8') {
      const ticks =
        ((durationMs / 1000) * CHILD_TICKS_HZ * bitrateBps * this.#opening.factor) / this.#settings.bitrateBps;
      return Math.max(1, Math.round(ticks));
    }
    const nominalMs = 1000 / fps;
    this.#frameMs += DURATION_WEIGHT * (durationMs - this.#frameMs);
    const neededBps = bitrateBps * (this.#frameMs / nominalMs);
    const first = this.#ptsTicks === 0 && this.#sinceRestartMs === 0;
    const held = !first && this.#sinceRestartMs < RESTART_HOLD_MS;
    if (!held && Math.abs(neededBps / this.#openedBps - 1) > RESTART_BAND) this.#restart(neededBps);
    this.#sinceRestartMs += durationMs;
    return Math.round(CHILD_TICKS_HZ / fps);
  }

  #restart(bitrateBps: number): void {
    void this.#current.finish();
    this.#openedBps = bitrateBps;
    this.#sinceRestartMs = 0;
    this.#ptsTicks = 0;
    this.#current = this.#start(bitrateBps);
  }

  #start(bitrateBps: number): FfmpegChild {
    const child = new FfmpegChild(this.#binaryPath, { ...this.#settings, bitrateBps });
    this.#children.add(child);
    void child.gone.then(() => this.#children.delete(child));
    return child;
  }
}
