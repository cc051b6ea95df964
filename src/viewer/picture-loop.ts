/**
 * Carries pictures from the playout to the send path: takes the frame that is due, encodes it at the rung and bitrate
 * of the current allocation, and sends the access unit. One timer, one frame in flight. A frame that would overtake
 * another waits and is chosen again.
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
import type { Playout, PlayoutPicture } from '../stream/timeline/playout.ts';
import type { Timeline, TimelineFrame } from '../stream/timeline/timeline.ts';
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
  /** Shared by all sessions. */
  loops: SharedLoops;
  /** True for a fully computed clip: its loops may be replayed. */
  isFinished: () => boolean;
  onSent: (sent: SentPicture) => void;
  /** The playhead is in another slice, or the allocation has another tier cap. */
  onProgress: () => void;
  onError: (error: GlimpseError) => void;
}

type AllocatedFrom = 'targetBps' | 'pacerQueueMs' | 'repairShare';

/** Retry delay after a repeated encoder failure; the first retry is immediate. */
const ENCODER_RETRY_MS = 500;
/** Loops with a smaller share of their frames were recorded at a low rate: they are not shared. */
const WHOLE_SHARE = 0.95;
/** Recordings repeated at the full rate; without a limit a slow machine would repeat for ever. */
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
  /** From here on the allocation's frame rate allows the next frame. */
  #allowedUs = -Infinity;
  #lastSlice = -1;
  /** The decoder last got replayed units, which the encoder has no reference for. */
  #replaying = false;
  /** Recordings of the current pictures dropped because frames were missing. */
  #redone = 0;
  #closed = false;

  constructor(options: PictureLoopOptions) {
    this.#options = options;
    this.#encoder = new EncoderSlot(options.createEncoder);
  }

  get allocation(): Allocation | undefined {
    return this.#allocation;
  }

  /** Opens the encoder that `attach` will probably need, while the connection is being made. */
  prepare(codec: VideoCodec, targetBps: number): void {
    this.#encoder.setCodec(codec);
    const allocation = this.#allocate({ targetBps, pacerQueueMs: 0, repairShare: 0 });
    // A failure occurs again, and is reported, when the first frame needs the encoder.
    this.#encoder.get({ ...allocation.rung, ...allocation }).catch(() => {});
  }

  /** Starts or continues sending on a connected path. The first picture leaves at once, as a keyframe. */
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

  /** Checks for a new picture now instead of at the next frame time. */
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

  /** The playhead has jumped: the next picture does not reference what was sent. */
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

  /** Time of the next check; Infinity: when a new picture arrives. */
  #nextUs({ fps }: Allocation): number {
    const { playout, generatorFps } = this.#options;
    if (playout.paused) return this.#still.nextUs(1e6 / fps);
    // Half a frame early is on time: frames come at the generator's times, not at the allocation's.
    return Math.max(playout.nextFrameUs(), this.#allowedUs - 0.5e6 / generatorFps);
  }

  /** Timers have whole milliseconds and may fire up to 1 ms early; a frame must not be early. */
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
    // A replay sends nothing between two of its frames.
    if (this.#replaying && !fresh && !playout.paused && !this.#keyframeNeeded) return;
    const replayed = cut ? undefined : this.#replay(shown, allocation);
    const units = replayed ?? [await this.#encode(shown, allocation, cut, nowUs)];
    if (sender !== this.#sender) this.#keyframeNeeded = true; // The next frame would reference unsent data.
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

  /** The recorded units for this frame, when a finished clip loops. */
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

  /** At the start of a loop: shares this session's recording, or adopts a shared one. */
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
