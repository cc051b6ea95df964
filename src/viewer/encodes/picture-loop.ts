/**
 * One encode of a stream: takes the frame that is due, encodes it at the rung and bitrate of the current allocation, and
 * sends the access unit to every viewer who shares the encode. One timer, one frame in flight. A frame that would
 * overtake another waits and is chosen again.
 */
import type { Allocation } from '../../congestion/allocation.ts';
import type { Clock, Timer } from '../../clock.ts';
import { toGlimpseError, type GlimpseError } from '../../errors.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import { gradeOf, improves } from '../../generation/grades.ts';
import type { AccessUnit, VideoCodec } from '../../media/encode/encoder.ts';
import { StillPicture } from '../../media/convergence.ts';
import { FrameTime } from '../../media/encode/frame-time.ts';
import { Motion } from '../../media/motion.ts';
import type { Stream } from '../../stream/stream.ts';
import { PlayoutReader, type PlayoutPicture } from '../../stream/timeline/playout-reader.ts';
import type { TimelineFrame } from '../../stream/timeline/timeline.ts';
import type { VideoSender } from '../../transport/video-sender.ts';
import type { EncodingDeps } from '../deps.ts';
import { EncoderSlot } from './encoder-slot.ts';
import { LoopPlayer } from './loop-player.ts';

export interface SentPicture {
  picture: TimelineFrame;
  rtpTimestamp: number;
  widthPx: number;
  heightPx: number;
}

/** One viewer who shares the encode. */
export interface Target {
  readonly sender: VideoSender;
  /** A picture is about to be chosen: the last moment for a newer allocation. */
  due(): void;
  sent(sent: SentPicture): void;
  /** The encoder failed; the loop tries again by itself. */
  failed(error: GlimpseError): void;
}

export interface PictureLoopOptions {
  clock: Clock;
  stream: Stream;
  encoding: EncodingDeps;
}

interface Place {
  readonly target: Target;
  /** False until its first keyframe. */
  decodes: boolean;
  left: boolean;
  off: () => void;
}

/** Retry delay after a repeated encoder failure; the first retry is immediate. */
const ENCODER_RETRY_MS = 500;
/** Least time between keyframes of a shared encode: each costs all of its viewers. */
const SHARED_KEYFRAME_US = 500_000;

export class PictureLoop {
  readonly #clock: Clock;
  readonly #stream: Stream;
  readonly #reader: PlayoutReader;
  readonly #encoder: EncoderSlot;
  readonly #loops: LoopPlayer;
  readonly #still = new StillPicture();
  readonly #motion = new Motion();
  readonly #frameTime = new FrameTime();
  /** How to encode and how often; pushed by the control loop. */
  allocation: Allocation | undefined;
  readonly #targets = new Map<string, Place>();
  #timer: Timer | undefined;
  #busy: Promise<void> | undefined;
  #again = false;
  #keyframeNeeded = true;
  /** The last step failed. */
  #failing = false;
  #sent: TimelineFrame | undefined;
  #lastSentUs = -Infinity;
  #lastKeyframeUs = -Infinity;
  /** From here on the allocation's frame rate allows the next frame. */
  #allowedUs = -Infinity;
  /** The decoder last got replayed units, which the encoder has no reference for. */
  #replaying = false;
  #closed = false;

  constructor({ clock, stream, encoding }: PictureLoopOptions) {
    this.#clock = clock;
    this.#stream = stream;
    this.#reader = new PlayoutReader(stream);
    this.#encoder = new EncoderSlot(encoding.createEncoder);
    this.#loops = new LoopPlayer(stream, encoding.loops);
  }

  /** Motion between two frames of the stream, pixels; undefined: unknown. */
  get motionPx(): number | undefined {
    return this.#motion.px;
  }

  /** Viewers who share the encode. */
  get size(): number {
    return this.#targets.size;
  }

  /** Opens the encoder that `attach` will probably need, while the connection is being made. */
  prepare(codec: VideoCodec): void {
    this.#encoder.setCodec(codec);
    // A failure occurs again, and is reported, when the first frame needs the encoder.
    if (this.allocation) this.#encoder.get({ ...this.allocation.rung, ...this.allocation }).catch(() => {});
  }

  /** Starts or continues sending on a connected path. The first picture leaves at once, as a keyframe. */
  attach(id: string, target: Target): void {
    const { sender } = target;
    if (this.#targets.size === 0) {
      this.#encoder.setCodec(sender.video.codec, sender.video.h264?.nalMaxBytes);
      this.#loops.clear();
    }
    const off = sender.events.on('keyframeNeeded', () => this.#onKeyframeNeeded());
    this.#targets.set(id, { target, decodes: false, left: false, off });
    this.#onKeyframeNeeded();
  }

  detach(id: string): void {
    const place = this.#targets.get(id);
    if (!place) return;
    place.off();
    place.left = true;
    this.#targets.delete(id);
    if (this.#targets.size === 0) this.#timer?.close();
  }

  /** Checks for a new picture now instead of at the next frame time. */
  kick(): void {
    if (this.#closed || this.#targets.size === 0) return;
    this.#timer?.close();
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = kept(
      this.#step().finally(() => {
        this.#busy = undefined;
        if (this.#again) {
          this.#again = false;
          this.kick();
        }
      }),
    );
  }

  /** The playhead has jumped: the next picture does not reference what was sent. */
  onSeek(): void {
    this.#loops.onSeek();
    this.#keyframeNeeded = true;
    this.kick();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const id of this.#targets.keys()) this.detach(id);
    await this.#busy;
    await this.#encoder.close();
  }

  async #step(): Promise<void> {
    let dueUs: number;
    try {
      for (const { target } of this.#targets.values()) target.due();
      const { allocation } = this;
      if (!allocation) return;
      await this.#show(allocation);
      dueUs = this.#nextUs(allocation);
      this.#failing = false;
    } catch (error) {
      dueUs = this.#clock.nowUs() + (this.#failing ? ENCODER_RETRY_MS * 1000 : 0);
      this.#failing = true;
      this.#keyframeNeeded = true;
      const failure = toGlimpseError(error, 'ENCODER_FAILED');
      for (const { target } of this.#targets.values()) target.failed(failure);
    }
    if (!this.#closed && this.#targets.size > 0) this.#sleepUntil(dueUs);
  }

  /** Time of the next check; Infinity: when a new picture arrives. */
  #nextUs({ fps }: Allocation): number {
    const { playout, info } = this.#stream;
    if (playout.stands)
      return Math.min(this.#still.nextUs(1e6 / fps), this.#keyframeNeeded ? this.#keyframeAtUs : Infinity);
    // Half a frame early is on time: frames come at the generator's times, not at the allocation's.
    return Math.max(playout.nextFrameUs(), this.#allowedUs - 0.5e6 / info.slice.fps);
  }

  /** Timers have whole milliseconds and may fire up to 1 ms early; a frame must not be early. */
  #sleepUntil(dueUs: number): void {
    this.#timer?.close();
    if (dueUs === Infinity) return;
    const delayMs = Math.max(1, Math.ceil((dueUs - this.#clock.nowUs()) / 1000));
    this.#timer = this.#clock.after(delayMs, () => {
      if (this.#clock.nowUs() < dueUs) this.#sleepUntil(dueUs);
      else this.kick();
    });
  }

  #onKeyframeNeeded(): void {
    this.#keyframeNeeded = true;
    this.kick();
  }

  /** When the next keyframe may be sent: to one viewer at once. */
  get #keyframeAtUs(): number {
    return this.#targets.size > 1 ? this.#lastKeyframeUs + SHARED_KEYFRAME_US : -Infinity;
  }

  async #show(allocation: Allocation): Promise<void> {
    const nowUs = this.#clock.nowUs();
    const shown = this.#reader.at(nowUs);
    if (!shown) return;
    const { picture, fresh } = shown;
    this.#motion.onPicture(picture);
    const cut = picture.revision !== this.#sent?.revision;
    const wanted = this.#still.wants({ fresh: fresh || cut, nowUs, bitrateBps: allocation.bitrateBps });
    const keyframe = this.#keyframeNeeded && nowUs >= this.#keyframeAtUs;
    if (!wanted && !keyframe) return;
    // A replay sends nothing between two of its frames.
    if (this.#replaying && !fresh && !this.#stream.playout.stands && !keyframe) return;
    const replayed = cut ? undefined : this.#loops.replay(shown, allocation, this.#encoder, keyframe);
    if (replayed?.[0]?.keyframe) this.#keyframeNeeded = false;
    const places = [...this.#targets.values()];
    const units = replayed ?? [await this.#encode(shown, allocation, { keyframe, cut, nowUs })];
    if (this.#closed) return;
    this.#replaying = replayed !== undefined;
    for (const unit of units) this.#send(places, picture, unit, nowUs);
    // One who came meanwhile has missed a keyframe.
    if ([...this.#targets.values()].some(({ decodes }) => !decodes)) this.#keyframeNeeded = true;
    const frameUs = 1e6 / allocation.fps;
    this.#allowedUs = Math.max(this.#allowedUs, nowUs - frameUs) + frameUs;
  }

  async #encode(
    shown: PlayoutPicture,
    allocation: Allocation,
    { keyframe: needed, cut, nowUs }: { keyframe: boolean; cut: boolean; nowUs: number },
  ): Promise<AccessUnit> {
    const { picture } = shown;
    const { rung, fps, bitrateBps, keyframeBudgetBytes } = allocation;
    const encoder = await this.#encoder.get({ ...rung, fps, bitrateBps });
    const { finished } = this.#stream;
    const keyframe = needed || cut || encoder.fresh || this.#replaying || this.#loops.startsAt(shown);
    if (keyframe) this.#keyframeNeeded = false;
    if (cut) this.#loops.onCut();
    const durationMs = this.#frameTime.next(Math.min(1000, (nowUs - this.#lastSentUs) / 1000), 1000 / fps, keyframe);
    const sharpens = this.#sent !== undefined && !cut && improves(gradeOf(picture), gradeOf(this.#sent));
    const options = { keyframe, bitrateBps, durationMs, keyframeBudgetBytes, sharpens };
    const unit = await encoder.encode(picture.frame, options);
    this.#loops.onEncoded(shown, unit, bitrateBps, finished);
    return unit;
  }

  #send(places: readonly Place[], picture: TimelineFrame, unit: AccessUnit, nowUs: number): void {
    const { keyframe, widthPx, heightPx } = unit;
    for (const place of places) {
      const { target } = place;
      if (place.left || !(place.decodes || keyframe)) continue;
      place.decodes = true;
      const { rtpTimestamp } = target.sender.sendFrame(unit, { captureUs: nowUs });
      target.sent({ picture, rtpTimestamp, widthPx, heightPx });
    }
    this.#lastSentUs = nowUs;
    if (keyframe) this.#lastKeyframeUs = nowUs;
    this.#sent = picture;
    this.#still.onSent({ bytes: unit.data.byteLength, nowUs });
  }
}
