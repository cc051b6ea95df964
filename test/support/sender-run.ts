/**
 * A whole send path in virtual time: a source that encodes at the target, the VideoSender, a virtual link, and a
 * receiver that answers with transport-wide feedback, receiver reports and NACKs as a browser does.
 */
import { VP8_VIDEO } from '../../bench/link/media-port.ts';
import { GlimpseEstimator } from '../../src/congestion/estimator.ts';
import { distance16 } from '../../src/congestion/sequence.ts';
import type { NegotiatedVideo } from '../../src/transport/media-path.ts';
import { PacerTimer } from '../../src/transport/pacer-timer.ts';
import { VideoSender, type VideoSenderStats } from '../../src/transport/video-sender.ts';
import { ArrayMediaPath, type SentRtp } from './array-media-path.ts';
import * as rtcp from './rtcp-builder.ts';
import { seededRandom } from '../../bench/link/seeded-random.ts';
import { encodeTwcc, type TwccArrival } from './twcc-encoder.ts';
import { Path, type PathPlan } from '../../bench/link/path.ts';
import { VirtualTime } from '../../bench/link/virtual-time.ts';

const FEEDBACK_MS = 50;
const CLOCK_OFFSET_US = 123_456_789_000;

export interface SenderRunOptions {
  link: PathPlan;
  seconds: number;
  fps?: number;
  video?: NegotiatedVideo;
  /** A keyframe is this many times a delta. */
  keyframeFactor?: number;
  seed?: number;
}

export interface SenderRun {
  /** Every 100 ms. */
  samples: { atMs: number; stats: VideoSenderStats; queueMs: number }[];
  frames: { rtpTimestamp: number; captureMs: number; keyframe: boolean; doneMs: number | undefined }[];
  keyframesAsked: string[];
  stats: VideoSenderStats;
  path: ArrayMediaPath;
}

/** What the receiver knows: arrivals to report, sequence numbers it misses, frames it has whole. */
class Receiver {
  readonly arrivals = new Map<number, number>();
  readonly missing = new Map<number, number>();
  readonly #got = new Map<number, number>();
  readonly #markers = new Map<number, number>();
  #highest: number | undefined;
  #reported = 0;

  onRtp(packet: SentRtp, nowUs: number, video: NegotiatedVideo): void {
    this.arrivals.set(packet.transportSequence, nowUs + CLOCK_OFFSET_US);
    const again = packet.ssrc === video.rtx?.ssrc;
    const sequence = again ? (packet.payload[0]! << 8) | packet.payload[1]! : packet.sequenceNumber;
    this.missing.delete(sequence);
    if (this.#highest === undefined || distance16(this.#highest, sequence) > 0) {
      const from = this.#highest === undefined ? sequence : this.#highest + 1;
      for (let lost = from & 0xffff; lost !== sequence; lost = (lost + 1) & 0xffff) this.missing.set(lost, -Infinity);
      this.#highest = sequence;
    }
    if (!this.#got.has(sequence)) this.#got.set(sequence, packet.rtpTimestamp);
    if (packet.marker) this.#markers.set(packet.rtpTimestamp, sequence);
  }

  /** How many packets of a frame have come, and whether the last is among them. */
  has(rtpTimestamp: number, packets: number): boolean {
    if (!this.#markers.has(rtpTimestamp)) return false;
    let count = 0;
    for (const timestamp of this.#got.values()) if (timestamp === rtpTimestamp) count += 1;
    return count >= packets;
  }

  /** Consecutive results since the last report; undefined when nothing new has come. */
  report(): TwccArrival[] | undefined {
    const highest = Math.max(...this.arrivals.keys(), -1);
    if (highest < this.#reported) return undefined;
    const results: TwccArrival[] = [];
    for (let sequence = this.#reported; sequence <= highest; sequence++) {
      results.push({ sequence, arrivedAtUs: this.arrivals.get(sequence) });
    }
    this.#reported = highest + 1;
    this.arrivals.clear();
    return results;
  }
}

export function runSender(options: SenderRunOptions): SenderRun {
  const { link: plan, seconds, fps = 12, video = VP8_VIDEO, keyframeFactor = 4, seed = 1 } = options;
  const time = new VirtualTime();
  const startUs = time.nowUs();
  const capacity = plan.capacity.map((step) => ({ ...step, fromUs: step.fromUs + (step.fromUs > 0 ? startUs : 0) }));
  const link = new Path({ ...plan, capacity });
  const path = new ArrayMediaPath(video);
  const timer = new PacerTimer({ clock: time, schedule: time.schedule });
  const sender = new VideoSender({
    path,
    estimator: new GlimpseEstimator(),
    clock: time,
    timer,
    random: seededRandom(seed),
  });
  const receiver = new Receiver();
  const run: SenderRun = { samples: [], frames: [], keyframesAsked: [], stats: sender.stats, path };
  const packetsOf = new Map<number, number>();
  let keyframe = true;

  sender.events.on('keyframeNeeded', (reason) => {
    run.keyframesAsked.push(reason);
    keyframe = true;
  });
  path.onRtp = (packet) => {
    if (packet.ssrc === video.ssrc) packetsOf.set(packet.rtpTimestamp, (packetsOf.get(packet.rtpTimestamp) ?? 0) + 1);
    const fate = link.send(packet.sizeBytes, time.nowUs());
    if (fate.outcome !== 'delivered') return;
    time.at(fate.arrivalUs, () => {
      receiver.onRtp(packet, time.nowUs(), video);
      for (const frame of run.frames.slice(-30)) {
        const packets = packetsOf.get(frame.rtpTimestamp);
        if (frame.doneMs !== undefined || packets === undefined) continue;
        if (receiver.has(frame.rtpTimestamp, packets)) frame.doneMs = (time.nowUs() - startUs) / 1_000;
      }
    });
  };
  const back = (packet: Uint8Array): void => time.at(time.nowUs() + plan.delayUs, () => sender.onRtcp(packet));

  for (let ms = 0; ms < seconds * 1_000; ms++) {
    if (Math.floor((ms * fps) / 1_000) !== Math.floor(((ms - 1) * fps) / 1_000)) {
      const { targetBps, pacerQueueMs } = sender.stats;
      const share = 0.92 * (1 - 0.5 * Math.min(Math.max((pacerQueueMs - 100) / 300, 0), 1));
      const bytes = Math.ceil((targetBps * share) / 8 / fps) * (keyframe ? keyframeFactor : 1);
      const unit = { data: new Uint8Array(bytes), keyframe, widthPx: 16, heightPx: 16, encodeMs: 0 };
      const wasKeyframe = keyframe;
      keyframe = false;
      const captureUs = time.nowUs();
      const { rtpTimestamp } = sender.sendFrame(unit, { captureUs });
      run.frames.push({ rtpTimestamp, captureMs: ms, keyframe: wasKeyframe, doneMs: undefined });
    }
    if (ms % FEEDBACK_MS === 0) {
      const results = receiver.report();
      if (results) back(rtcp.transportFeedback(video.ssrc, encodeTwcc(results, { style: 'twoBit' })));
      const lost = [...receiver.missing].filter(([, askedUs]) => time.nowUs() - askedUs > 150_000).slice(-100);
      for (const [sequence] of lost) receiver.missing.set(sequence, time.nowUs());
      if (lost.length > 0)
        back(
          rtcp.nack(
            video.ssrc,
            lost.map(([sequence]) => [sequence, 0]),
          ),
        );
    }
    if (ms % 1_000 === 500) {
      const report = path.rtcp.at(-1)!;
      const view = new DataView(report.buffer);
      const lastSenderReport = ((view.getUint16(10) << 16) | view.getUint16(12)) >>> 0;
      back(
        rtcp.receiverReport({
          ssrc: video.ssrc,
          lastSenderReport,
          delaySinceLastSenderReport: reportAge(view, time, plan),
        }),
      );
    }
    if (ms % 100 === 0) run.samples.push({ atMs: ms, stats: sender.stats, queueMs: link.queueMs(time.nowUs()) });
    time.advance(1);
  }
  run.stats = sender.stats;
  sender.close();
  return run;
}

/** 1/65536 s since the report arrived: it left at its own NTP time and took the one-way delay. */
function reportAge(view: DataView, time: VirtualTime, plan: PathPlan): number {
  const sentWallMs = (view.getUint32(8) - 2_208_988_800) * 1_000 + (view.getUint32(12) / 2 ** 32) * 1_000;
  return Math.max(0, Math.round(((time.wallMs() - sentWallMs - plan.delayUs / 1_000) * 65_536) / 1_000));
}
