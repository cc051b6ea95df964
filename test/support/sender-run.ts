/**
 * A whole send path in virtual time: a source that encodes at the target, the VideoSender, a virtual link, and a
 * receiver that answers with transport-wide feedback, receiver reports and NACKs as a browser does.
 */
import { VP8_VIDEO } from '../../bench/link/media-port.ts';
import { GlimpseEstimator } from '../../src/congestion/estimator.ts';
import type { NegotiatedVideo } from '../../src/transport/media-path.ts';
import { PacerTimer } from '../../src/transport/pacing/pacer-timer.ts';
import { VideoSender, type VideoSenderStats } from '../../src/transport/video-sender.ts';
import { ArrayMediaPath } from '../../bench/support/wire/array-media-path.ts';
import { FeedbackReceiver } from './feedback-receiver.ts';
import * as rtcp from '../../bench/support/wire/rtcp-builder.ts';
import { seededRandom } from '../../bench/link/seeded-random.ts';
import { encodeTwcc } from '../../bench/support/wire/twcc-encoder.ts';
import { Path, type PathPlan } from '../../bench/link/path.ts';
import { VirtualTime } from '../../bench/link/virtual-time.ts';

const FEEDBACK_MS = 50;

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

export function runSender(options: SenderRunOptions): SenderRun {
  const { link: plan, seconds, fps = 12, video = VP8_VIDEO, keyframeFactor = 4, seed = 1 } = options;
  const time = new VirtualTime();
  const startUs = time.nowUs();
  const capacity = plan.capacity.map((step) => ({ ...step, fromUs: step.fromUs + (step.fromUs > 0 ? startUs : 0) }));
  const link = new Path({ ...plan, capacity });
  const path = new ArrayMediaPath(video);
  const timer = new PacerTimer({ clock: time });
  const sender = new VideoSender({
    path,
    estimator: new GlimpseEstimator(),
    clock: time,
    timer,
    random: seededRandom(seed),
  });
  const receiver = new FeedbackReceiver();
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
      const lost = receiver.askAgain(time.nowUs());
      if (lost.length > 0) back(rtcp.nack(video.ssrc, lost));
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
