/**
 * The send path of one viewer: access units and sound in, protected RTP out, RTCP back in. A frame goes packetizer →
 * pacer → RtpStream → path; sound goes past the pacer (audio-sender.ts). RTCP updates the estimator, claims retransmissions, or requests a keyframe. Connects the parts of
 * this folder and contains no algorithm.
 */
import type { BandwidthEstimator } from '../congestion/bandwidth-estimator.ts';
import type { OpusPacket } from '../media/audio/opus.ts';
import type { Clock } from '../clock.ts';
import { Emitter } from '../events.ts';
import type { AccessUnit } from '../media/encode/encoder.ts';
import { AudioSender } from './audio-sender.ts';
import { pacedCopy, WIRE_OVERHEAD_BYTES, wasSent, type Content } from './content.ts';
import { Feedback } from './rtcp/feedback.ts';
import { KeyframeRequests, type KeyframeReason } from './rtcp/keyframe-requests.ts';
import type { MediaPath, NegotiatedVideo } from './media-path.ts';
import { Pacer, type PacedPacket } from './pacing/pacer.ts';
import type { PacerTimer, Waker } from './pacing/pacer-timer.ts';
import { PACING, type PacingRules } from './pacing/pacing.ts';
import { packetize } from './rtp/payload-format.ts';
import { PlayoutReserve } from './playout-reserve.ts';
import { RateMeter } from './pacing/rate-meter.ts';
import { copiesFor } from './repair.ts';
import { Reporter } from './rtcp/reporter.ts';
import { payloadBytes } from './rtp/rtp-payload.ts';
import { RtpStream } from './rtp/rtp-stream.ts';
import { noCounts, type VideoSenderStats } from './sender-stats.ts';

export type { VideoSenderStats } from './sender-stats.ts';

/** What the send path may spend now: the input of control, cheap enough to read for every frame. */
export interface Grant {
  targetBps: number;
  /** Rate on the wire of the sound, over the last second. */
  soundBps: number;
  /** Share of the last second's bytes that were retransmissions: media cannot use this part of the target. */
  repairShare: number;
  /** Media queued in the pacer. */
  pacerQueueMs: number;
}

export interface VideoSenderEvents {
  /** Feedback from the viewer has been taken in; `grant` may have changed. */
  feedback: [];
  /** The next frame should be a keyframe. Coalesced and limited; see `KeyframeRequests`. */
  keyframeNeeded: [reason: KeyframeReason];
  /** The first RTP packet of video has left, at this time of the clock. */
  firstPacket: [nowUs: number];
}

export interface VideoSenderOptions {
  path: MediaPath;
  estimator: BandwidthEstimator;
  clock: Clock;
  timer: PacerTimer;
  /** Uniform in [0, 1); for RTP's random initial values (RFC 3550 section 5.1). */
  random: () => number;
  /** Default `PACING`. */
  pacing?: PacingRules;
}

export interface SendFrameOptions {
  /** Time at which the picture was ready. */
  captureUs: number;
  /** 90 kHz, 32 bits; default: from `captureUs`. */
  rtpTimestamp?: number;
}

/** Standing queue above which packets leave more slowly. */
const QUEUED_MS = 20;
const TICK_US = 25_000;
/** Minimum interval between ticks: a wake-up for the next packet does not need one. */
const TICK_MIN_US = 5_000;
/** After this time without traffic the estimator ticks more slowly. */
const IDLE_US = 2_000_000;
const IDLE_TICK_US = 1_000_000;

export class VideoSender {
  readonly events = new Emitter<VideoSenderEvents>();
  readonly #options: VideoSenderOptions;
  readonly #pacing: PacingRules;
  readonly #stream: RtpStream;
  readonly #pacer: Pacer<Content>;
  readonly #waker: Waker;
  readonly #keyframes = new KeyframeRequests();
  readonly #reporter: Reporter;
  readonly #audio: AudioSender | undefined;
  readonly #counts = noCounts();
  readonly #feedback: Feedback;
  readonly #bits = new RateMeter();
  readonly #repairBits = new RateMeter();
  readonly #soundBits = new RateMeter();
  readonly #frameRate = new RateMeter();
  readonly #reserve = new PlayoutReserve();
  #frame = 0;
  /** A packet of video has left. */
  #begun = false;
  #activeAtUs = -Infinity;
  #tickedUs = -Infinity;
  #closed = false;

  constructor(options: VideoSenderOptions) {
    this.#options = options;
    const { path, estimator, timer, random, pacing = PACING } = options;
    this.#pacing = pacing;
    // Low initial values keep the first wrap of the sequence away from the first packets (RFC 3711 section 3.3.1).
    const initial = (): number => Math.floor(random() * 0x8000);
    this.#stream = new RtpStream({ video: path.video, initialSequence: initial(), initialRtxSequence: initial() });
    this.#feedback = new Feedback({
      video: path.video,
      estimator,
      stream: this.#stream,
      keyframes: this.#keyframes,
      counts: this.#counts,
      reserve: this.#reserve,
    });
    const { cname = Math.floor(random() * 2 ** 48).toString(36), video, audio } = path;
    this.#reporter = new Reporter({ ssrc: video.ssrc, clockRateHz: video.clockRateHz, cname, random });
    this.#audio =
      audio &&
      new AudioSender({
        path,
        audio,
        estimator,
        cname,
        random,
        onSent: (sent, nowUs) => this.#onSoundSent(sent, nowUs),
      });
    this.#pacer = new Pacer<Content>(estimator.targetBps * pacing.beforeFeedback, {
      initialWindowBytes: pacing.initialWindowBytes,
      burstMs: pacing.burstMs,
      send: (packet, nowUs, probeId) => this.#send(packet, nowUs, probeId),
      filler: (sizeBytes) => this.#filler(sizeBytes),
      onDrop: (frames) => {
        this.#counts.droppedFrames += frames;
        this.#keyframes.request('drop');
      },
      onDiscard: ({ content }) => {
        if (wasSent(content)) this.#stream.release(content);
      },
    });
    this.#waker = timer.register((nowUs) => this.#wake(nowUs));
  }

  /** The stream as negotiated with the viewer. */
  get video(): NegotiatedVideo {
    return this.#options.path.video;
  }

  get grant(): Grant {
    const { targetBps } = this.#options.estimator;
    const nowUs = this.#options.clock.nowUs();
    const soundBps = this.#soundBits.perSecond(nowUs);
    return { targetBps, soundBps, repairShare: this.#repairShare(nowUs), pacerQueueMs: this.#pacer.queueMs };
  }

  /** Whether the viewer takes sound. */
  get takesSound(): boolean {
    return this.#audio !== undefined;
  }

  /** A snapshot for people; control reads `grant`. */
  get stats(): VideoSenderStats {
    const nowUs = this.#options.clock.nowUs();
    const { targetBps, lossRatio, queueMs, reason } = this.#options.estimator.snapshot;
    return {
      ...this.#counts,
      bytesByKind: { ...this.#counts.bytesByKind },
      targetBps,
      sentBps: this.#bits.perSecond(nowUs),
      soundBps: this.#soundBits.perSecond(nowUs),
      sentFps: this.#frameRate.perSecond(nowUs),
      rttMs: this.#feedback.rttMs ?? null,
      lossRatio,
      pacerQueueMs: this.#pacer.queueMs,
      networkQueueMs: queueMs,
      playoutReserveMs: this.#reserve.ms,
      reason,
    };
  }

  /**
   * Sends one frame, paced. A delta whose reference was dropped is refused and counted.
   * @returns the frame's RTP timestamp, which identifies it to the viewer
   */
  sendFrame(accessUnit: AccessUnit, { captureUs, rtpTimestamp }: SendFrameOptions): { rtpTimestamp: number } {
    const timestamp = this.#reporter.onFrame(captureUs, rtpTimestamp);
    if (this.#closed) return { rtpTimestamp: timestamp };
    const nowUs = this.#options.clock.nowUs();
    const { keyframe, data } = accessUnit;
    const frame = this.#frame++;
    const payloads = packetize(this.video, data, frame);
    const packets = payloads.map((payload, index): PacedPacket<Content> => {
      const marker = index === payloads.length - 1;
      const { header, from, to } = payload;
      const media = { header, data: payload.data, from, to, rtpTimestamp: timestamp, marker, keyframe, frame };
      const sizeBytes = payloadBytes(payload) + WIRE_OVERHEAD_BYTES;
      return { kind: keyframe ? 'keyframe' : 'delta', sizeBytes, frame, content: media };
    });
    if (keyframe) this.#keyframes.onKeyframe(data.length, nowUs);
    this.#activeAtUs = nowUs;
    this.#reserve.onFrame(frame, nowUs);
    if (this.#pacer.enqueue(packets, nowUs)) {
      this.#counts.framesSent += 1;
      this.#counts.keyframes += keyframe ? 1 : 0;
      this.#counts.keyframeBytes += keyframe ? data.length : 0;
      this.#frameRate.add(1, nowUs);
    } else {
      this.#counts.droppedFrames += 1;
      this.#keyframes.request('drop');
    }
    this.#run(nowUs);
    return { rtpTimestamp: timestamp };
  }

  /** Sends one packet of sound at once; without effect where the viewer takes none. */
  sendSound(packet: OpusPacket): void {
    if (this.#closed || !this.#audio) return;
    const nowUs = this.#options.clock.nowUs();
    this.#audio.send(packet, nowUs);
    this.#run(nowUs);
  }

  /** Takes one decrypted compound RTCP packet; ignores what it cannot parse. */
  onRtcp(packet: Uint8Array): void {
    if (this.#closed) return;
    const nowUs = this.#options.clock.nowUs();
    const lost = this.#feedback.take(packet, { nowUs, wallMs: this.#options.clock.wallMs() });
    this.#tick(nowUs);
    if (lost.length > 0) {
      const { lossRatio, queueMs, reason } = this.#options.estimator.snapshot;
      const losses = { lossRatio, queueMs, competing: reason === 'compete' };
      const counts = lost.map((sent) => copiesFor(sent.copies, losses));
      // Sends each packet once, then the further copies: a burst of losses takes adjacent packets.
      const rounds = Array.from({ length: Math.max(...counts) }, (_, round) =>
        lost.filter((_sent, index) => counts[index]! > round),
      );
      const copies = rounds.flat().map((sent) => pacedCopy(sent, 'rtx'));
      this.#pacer.enqueue(copies, nowUs);
    }
    this.#run(nowUs);
    this.events.emit('feedback');
  }

  /** Idempotent. Drops queued packets. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waker.close();
    this.events.clear();
  }

  #send({ kind, content }: PacedPacket<Content>, nowUs: number, probeId: number | undefined): number | undefined {
    const { path, estimator } = this.#options;
    const again = wasSent(content) ? content : undefined;
    const outgoing = again
      ? this.#stream.retransmission(again, this.#reserve.ms)
      : this.#stream.stamp(content, this.#reserve.ms);
    const sent = outgoing && path.sendRtp(outgoing);
    if (!sent) return undefined;
    const kept = again ?? this.#stream.commit(content, nowUs);
    if (again) this.#stream.commitRetransmission(again, nowUs);
    const { transportSequence, sizeBytes } = sent;
    if (path.video.feedback.transportCc) {
      estimator.onPacketSent({ sequence: transportSequence, sizeBytes, sentAtUs: nowUs, kind, probeId });
    }
    this.#feedback.onSent(transportSequence, kept, nowUs);
    this.#counts.bytesSent += sizeBytes;
    this.#counts.bytesByKind[kind] += sizeBytes;
    if (kind === 'rtx') {
      this.#counts.retransmitted += 1;
      this.#repairBits.add(sizeBytes * 8, nowUs);
    }
    this.#counts.probePackets += probeId === undefined ? 0 : 1;
    this.#bits.add(sizeBytes * 8, nowUs);
    this.#counts.packetsSent += 1;
    if (!this.#begun) this.events.emit('firstPacket', nowUs);
    this.#begun = true;
    return sizeBytes;
  }

  #onSoundSent(
    { transportSequence, sizeBytes }: { transportSequence: number; sizeBytes: number },
    nowUs: number,
  ): void {
    this.#feedback.onSentOnce(transportSequence);
    this.#pacer.account(sizeBytes, nowUs);
    this.#counts.bytesSent += sizeBytes;
    this.#counts.bytesByKind.audio += sizeBytes;
    this.#counts.packetsSent += 1;
    this.#bits.add(sizeBytes * 8, nowUs);
    this.#soundBits.add(sizeBytes * 8, nowUs);
    this.#activeAtUs = nowUs;
  }

  #filler(sizeBytes: number): PacedPacket<Content> | undefined {
    const sent = this.#stream.filler(sizeBytes);
    return sent && pacedCopy(sent, 'padding');
  }

  #repairShare(nowUs: number): number {
    if (this.#counts.retransmitted === 0) return 0;
    const sentBps = this.#bits.perSecond(nowUs);
    return sentBps > 0 ? this.#repairBits.perSecond(nowUs) / sentBps : 0;
  }

  /** Adds rate for retransmissions: they leave beside the media, whose share the allocation has lowered for them. */
  #applyRate(nowUs: number): void {
    const { targetBps, queueMs } = this.#options.estimator.snapshot;
    const { beforeFeedback, clear, repairs, queued } = this.#pacing;
    const factor = queueMs > QUEUED_MS ? queued : clear + Math.min(this.#repairShare(nowUs), repairs);
    this.#pacer.setRate(targetBps * (this.#feedback.seen ? factor : beforeFeedback), nowUs);
  }

  /** Does what is due now and sleeps until the next due time. */
  #run(nowUs: number): void {
    const nextUs = this.#wake(nowUs);
    if (nextUs !== undefined) this.#waker.by(nextUs);
  }

  #wake(nowUs: number): number | undefined {
    if (this.#closed) return undefined;
    const { estimator, path } = this.#options;
    if (nowUs - this.#tickedUs >= TICK_MIN_US) this.#tick(nowUs);
    if (path.video.feedback.transportCc && this.#begun && !this.#pacer.probing) {
      const probe = estimator.takeProbe(nowUs);
      if (probe) this.#pacer.startProbe(probe, nowUs);
    }
    const { nextUs } = this.#pacer.process(nowUs);
    this.#report(nowUs);
    this.#askForKeyframe(nowUs);
    if (this.#closed) return undefined;
    const tickUs = nowUs - this.#activeAtUs < IDLE_US ? nowUs + TICK_US : nowUs + IDLE_TICK_US;
    return Math.min(nextUs ?? Infinity, tickUs, this.#reporter.nextUs(nowUs));
  }

  /** Work that depends on feedback and time, not on each packet. */
  #tick(nowUs: number): void {
    this.#tickedUs = nowUs;
    this.#options.estimator.onTick(nowUs);
    this.#applyRate(nowUs);
  }

  #askForKeyframe(nowUs: number): void {
    const { targetBps } = this.#options.estimator;
    const { holdsKeyframe: sending, needsKeyframe: stalled } = this.#pacer;
    const rates = { targetBps, sentBps: this.#bits.perSecond(nowUs), rttMs: this.#feedback.rttMs ?? 0 };
    const reason = this.#keyframes.take({ ...rates, sending, stalled, nowUs });
    if (reason) this.events.emit('keyframeNeeded', reason);
  }

  #report(nowUs: number): void {
    if (!this.#reporter.isDue(nowUs)) return;
    const { path, clock } = this.#options;
    // One reading of both clocks for both streams: the viewer plays them in step by it.
    const now = { nowUs, wallMs: clock.wallMs() };
    for (const report of [this.#reporter.take({ ...now, counts: this.#stream.counts }), this.#audio?.report(now)])
      if (report) path.sendRtcp(report);
  }
}
