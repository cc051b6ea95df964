/**
 * Carries pictures from the playout to the send path: asks for the frame of the instant, encodes it at the rung and
 * bitrate of the present allocation, hands the access unit on. One timer, one frame in flight; a frame that would
 * overtake another is chosen afresh when its turn comes.
 */
import { allocate } from '../congestion/allocator.ts';
import type { Allocation } from '../congestion/allocation.ts';
import type { Rung } from '../picture/rung.ts';
import type { Clock } from '../clock.ts';
import { toGlimpseError, type GlimpseError } from '../errors.ts';
import { kept } from '../lifetime/kept-promise.ts';
import { gradeOf, improves } from '../generation/grades.ts';
import type { Tier } from '../picture/tiers.ts';
import type { AccessUnit, EncoderFactory, VideoCodec } from '../media/encode/encoder.ts';
import { StillPicture } from '../media/convergence.ts';
import { rungsWithin } from '../media/encode/h264-level.ts';
import { FrameTime } from '../media/encode/frame-time.ts';
import { LoopCache } from '../media/loops/loop-cache.ts';
import type { SharedLoops } from '../media/loops/shared-loops.ts';
import { Motion } from '../media/motion.ts';
import type { Playout, PlayoutPicture } from '../timeline/playout.ts';
import type { Timeline, TimelineFrame } from '../timeline/timeline.ts';
import { mediaTargetBps } from '../transport/pacing/pacing.ts';
import type { VideoSender, VideoSenderStats } from '../transport/video-sender.ts';
import { EncoderSlot } from './encoder-slot.ts';

export interface SentPicture {
  picture: TimelineFrame;
  rtpTimestamp: number;
  widthPx: number;
  heightPx: number;
}

export interface PictureLoopOptions {
  clock: Clock;
  timeline: Timeline;
  playout: Playout;
  createEncoder: EncoderFactory;
  /** Largest first; fewer while a tier limit keeps the pictures small. */
  rungs: () => readonly Rung[];
  generatorFps: number;
  tierLimit: () => Tier;
  /** Of all sessions. */
  loops: SharedLoops;
  /** A clip of which nothing is left to compute: its loops may be replayed. */
  isFinished: () => boolean;
  onSent: (sent: SentPicture) => void;
  /** The playhead has moved to another slice, or the allocation to another tier cap. */
  onProgress: () => void;
  onError: (error: GlimpseError) => void;
}

type AllocatedFrom = 'targetBps' | 'pacerQueueMs' | 'repairShare';

/** How soon an encoder that failed is tried again: at once after one that worked, later when that fails too. */
const ENCODER_RETRY_MS = 500;
/** A loop with fewer of its frames was recorded while the rate was low: nobody else is given it. */
const WHOLE_SHARE = 0.95;
/** So often it is recorded again at the full rate; a machine that cannot keep up would never be done. */
const REDO_MAX = 2;

export class PictureLoop {
  readonly #options: PictureLoopOptions;
  readonly #encoder: EncoderSlot;
  readonly #still = new StillPicture();
  readonly #loop = new LoopCache();
  readonly #motion = new Motion();
  readonly #frameTime = new FrameTime();
  #sender: VideoSender | undefined;
  #offKeyframeNeeded: (() => void) | undefined;
  #allocation: Allocation | undefined;
  #timer: NodeJS.Timeout | undefined;
  #busy: Promise<void> | undefined;
  #again = false;
  #keyframeNeeded = true;
  /** The last step failed. */
  #failing = false;
  #sent: TimelineFrame | undefined;
  #lastSentUs = -Infinity;
  /** The allocation's frame rate allows the next frame from here on. */
  #allowedUs = -Infinity;
  #lastSlice = -1;
  /** The decoder last saw replayed units, which the encoder knows nothing of. */
  #replaying = false;
  /** Recordings of the present pictures given up for want of frames. */
  #redone = 0;
  #closed = false;

  constructor(options: PictureLoopOptions) {
    this.#options = options;
    this.#encoder = new EncoderSlot(options.createEncoder);
  }

  get allocation(): Allocation | undefined {
    return this.#allocation;
  }

  /** Opens the encoder that `attach` will probably want, while the connection is still being made. */
  prepare(codec: VideoCodec, targetBps: number): void {
    this.#encoder.setCodec(codec);
    const allocation = this.#allocate({ targetBps, pacerQueueMs: 0, repairShare: 0 });
    // A failure shows again, and is reported, when the first frame wants the encoder.
    this.#encoder.get({ ...allocation.rung, ...allocation }).catch(() => {});
  }

  /** Begins, or goes on, sending over a connected path. The first picture leaves at once, as a keyframe. */
  attach(sender: VideoSender, codec: VideoCodec): void {
    this.detach();
    this.#sender = sender;
    this.#encoder.setCodec(codec, sender.video.h264?.nalMaxBytes);
    this.#loop.clear();
    this.#keyframeNeeded = true;
    this.#offKeyframeNeeded = sender.events.on('keyframeNeeded', () => {
      this.#keyframeNeeded = true;
      this.kick();
    });
    this.kick();
  }

  detach(): void {
    this.#offKeyframeNeeded?.();
    this.#offKeyframeNeeded = undefined;
    this.#sender = undefined;
    clearTimeout(this.#timer);
  }

  /** Looks now instead of at the next frame instant: there is something new to show. */
  kick(): void {
    if (this.#closed || !this.#sender) return;
    clearTimeout(this.#timer);
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

  /** The playhead was moved: what comes next does not build on what was sent. */
  onSeek(): void {
    this.#loop.interrupt();
    this.#keyframeNeeded = true;
    this.kick();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.detach();
    await this.#busy;
    await this.#encoder.close();
  }

  async #step(): Promise<void> {
    const { clock } = this.#options;
    const sender = this.#sender;
    if (!sender) return;
    let dueUs: number;
    try {
      const allocation = this.#allocate(sender.stats);
      await this.#show(sender, allocation);
      dueUs = this.#nextUs(allocation);
      this.#failing = false;
    } catch (error) {
      dueUs = clock.nowUs() + (this.#failing ? ENCODER_RETRY_MS * 1000 : 0);
      this.#failing = true;
      this.#keyframeNeeded = true;
      this.#options.onError(toGlimpseError(error, 'ENCODER_FAILED'));
    }
    if (!this.#closed && this.#sender) this.#sleepUntil(dueUs);
  }

  /** When to look again; Infinity: when something new comes. */
  #nextUs({ fps }: Allocation): number {
    const { playout, generatorFps } = this.#options;
    if (playout.paused) return this.#still.nextUs(1e6 / fps);
    // Half a frame early is on time: frames come at the generator's instants, not at the allocation's.
    return Math.max(playout.nextFrameUs(), this.#allowedUs - 0.5e6 / generatorFps);
  }

  /** Timers count whole milliseconds and may be early by a part of one; a frame must not be. */
  #sleepUntil(dueUs: number): void {
    clearTimeout(this.#timer);
    if (dueUs === Infinity) return;
    const { clock } = this.#options;
    const delayMs = Math.max(1, Math.ceil((dueUs - clock.nowUs()) / 1000));
    this.#timer = setTimeout(() => (clock.nowUs() < dueUs ? this.#sleepUntil(dueUs) : this.kick()), delayMs);
  }

  #allocate({ targetBps, pacerQueueMs, repairShare }: Pick<VideoSenderStats, AllocatedFrom>): Allocation {
    const { clock, rungs, generatorFps, tierLimit, onProgress } = this.#options;
    const before = this.#allocation;
    const levelIdc = this.#sender?.video.h264?.levelIdc;
    const input = {
      targetBps: mediaTargetBps(targetBps, repairShare),
      nowUs: clock.nowUs(),
      queueMs: pacerQueueMs,
      rungs: levelIdc === undefined ? rungs() : rungsWithin(rungs(), levelIdc, generatorFps),
      generatorFps,
      tierLimit: tierLimit(),
      motionPx: this.#motion.px,
    };
    const allocation = allocate(input, before);
    this.#allocation = allocation;
    if (before && before.tierCap !== allocation.tierCap) onProgress();
    return allocation;
  }

  async #show(sender: VideoSender, allocation: Allocation): Promise<void> {
    const { clock, playout, timeline, onProgress } = this.#options;
    const nowUs = clock.nowUs();
    const shown = playout.at(nowUs, timeline);
    if (!shown) return;
    const { picture, fresh } = shown;
    this.#motion.onPicture(picture);
    if (picture.slice !== this.#lastSlice) {
      this.#lastSlice = picture.slice;
      onProgress();
    }
    const cut = picture.revision !== this.#sent?.revision;
    const wanted = this.#still.wants({ fresh: fresh || cut, nowUs, bitrateBps: allocation.bitrateBps });
    if (!wanted && !this.#keyframeNeeded) return;
    // Between two frames of a replay there is nothing to add.
    if (this.#replaying && !fresh && !playout.paused && !this.#keyframeNeeded) return;
    const replayed = cut ? undefined : this.#replay(shown, allocation);
    const units = replayed ?? [await this.#encode(shown, allocation, cut, nowUs)];
    if (sender !== this.#sender) this.#keyframeNeeded = true; // What comes next would build on what was not sent.
    if (this.#closed || sender !== this.#sender) return;
    this.#replaying = replayed !== undefined;
    for (const unit of units) this.#send(sender, picture, unit, nowUs);
    const frameUs = 1e6 / allocation.fps;
    this.#allowedUs = Math.max(this.#allowedUs, nowUs - frameUs) + frameUs;
  }

  async #encode(
    { picture, looped }: PlayoutPicture,
    allocation: Allocation,
    cut: boolean,
    nowUs: number,
  ): Promise<AccessUnit> {
    const { rung, fps, bitrateBps, keyframeBudgetBytes } = allocation;
    const encoder = await this.#encoder.get({ ...rung, fps, bitrateBps });
    const finished = this.#options.isFinished();
    const begins = finished && looped && !this.#loop.whole;
    const keyframe = this.#keyframeNeeded || cut || encoder.fresh || this.#replaying || begins;
    this.#keyframeNeeded = false;
    if (cut) this.#redone = 0;
    const durationMs = this.#frameTime.next(Math.min(1000, (nowUs - this.#lastSentUs) / 1000), 1000 / fps, keyframe);
    const sharpens = this.#sent !== undefined && !cut && improves(gradeOf(picture), gradeOf(this.#sent));
    const options = { keyframe, bitrateBps, durationMs, keyframeBudgetBytes, sharpens };
    const unit = await encoder.encode(picture.frame, options);
    if (finished) this.#loop.onEncoded(picture.frameIndex, unit, bitrateBps);
    else this.#loop.clear();
    return unit;
  }

  /** What was recorded for this frame, when a finished clip goes round again. */
  #replay({ picture, looped, fresh }: PlayoutPicture, { rung, bitrateBps, fps }: Allocation): AccessUnit[] | undefined {
    if (looped) {
      this.#loop.onLoop();
      this.#share({ rung, bitrateBps, fps });
    }
    if (this.#keyframeNeeded && !looped) this.#loop.interrupt();
    const units = fresh ? this.#loop.take(picture.frameIndex, rung, bitrateBps) : undefined;
    if (units?.[0]?.keyframe) this.#keyframeNeeded = false;
    return units;
  }

  /** At the start of a loop: gives others what is recorded of it, or takes what they have recorded. */
  #share({ rung, bitrateBps, fps }: Pick<Allocation, 'rung' | 'bitrateBps' | 'fps'>): void {
    const { loops, timeline, isFinished, generatorFps } = this.#options;
    const { codec, cutSmall } = this.#encoder;
    const frames = timeline.frames;
    if (!codec || cutSmall || !frames || !isFinished()) return;
    const { recording } = this.#loop;
    if (recording && recording.units.length >= WHOLE_SHARE * frames.length) {
      loops.put({ codec, rung, frames }, recording);
      return;
    }
    const shared = loops.find({ codec, rung, frames }, bitrateBps);
    if (shared) this.#loop.adopt(shared);
    else if (recording && fps >= generatorFps && this.#redone < REDO_MAX) {
      this.#redone += 1;
      this.#loop.clear();
    }
  }

  #send(sender: VideoSender, picture: TimelineFrame, unit: AccessUnit, nowUs: number): void {
    const { rtpTimestamp } = sender.sendFrame(unit, { captureUs: nowUs });
    this.#lastSentUs = nowUs;
    this.#sent = picture;
    this.#still.onSent({ bytes: unit.data.byteLength, nowUs });
    this.#options.onSent({ picture, rtpTimestamp, widthPx: unit.widthPx, heightPx: unit.heightPx });
  }
}
