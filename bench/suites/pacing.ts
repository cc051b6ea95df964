/**
 * `glimpse bench pacing`: what the send path costs before encryption. A hundred viewers of 1 Mbps share one timer in real
 * time, so wake-ups count: frames are cut into packets, paced and kept for retransmission; then the same with the feedback
 * a browser sends. And what the estimator alone costs for each packet.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { GlimpseEstimator } from '../../src/congestion/estimator.ts';
import type { AccessUnit } from '../../src/media/encode/encoder.ts';
import type { MediaPath, NegotiatedVideo, OutgoingRtp } from '../../src/transport/media-path.ts';
import { PacerTimer } from '../../src/transport/pacing/pacer-timer.ts';
import { VideoSender } from '../../src/transport/video-sender.ts';
import { transportFeedback } from '../support/wire/rtcp-builder.ts';
import { encodeTwcc } from '../support/wire/twcc-encoder.ts';
import { VP8_VIDEO } from '../link/media-port.ts';
import { seededRandom } from '../link/seeded-random.ts';
import { describeMachine, textTable, type Machine } from '../report.ts';

export interface PacingFigure {
  section: 'pacing' | 'pacing with feedback';
  viewers: number;
  packetsPerSecond: number;
  /** Of one core, beyond what the frames and the feedback themselves cost to make. */
  cpuShare: number;
  microsecondsPerPacket: number;
  /** `cpuShare` is to stay below this. */
  goal: number;
}

export interface PacingReport {
  suite: 'pacing';
  machine: Machine;
  figures: (PacingFigure & { met: boolean })[];
  estimator: { packets: number; microsecondsPerPacket: number; goal: number; met: boolean };
}

const VIEWERS = 100;
const BITRATE_BPS = 1_000_000;
const FPS = 30;
const RUN_MS = 8_000;
const WARM_UP_MS = 2_000;
const FEEDBACK_MS = 100;
const CPU_SHARE_GOAL = 0.1;
const ESTIMATOR_PACKETS = 400_000;
const ESTIMATOR_GOAL_US = 3;
/** One way, so that arrivals lie in the past when they are told. */
const DELAY_US = 1_000;
/** What a viewer gets between two feedbacks, for the run without senders. */
const PACKETS_EXPECTED = Array.from({ length: 12 }, (_, index) => index * 8_000);
/** On the wire above the payload: header, extensions, tag. */
const OVERHEAD_BYTES = 48;

/** Takes packets and encrypts nothing. */
class CountingPath implements MediaPath {
  readonly video: NegotiatedVideo;
  sent = 0;
  /** When each packet left since the last feedback. */
  readonly sentAtUs: number[] = [];

  /** @param feedback whether it is to come; without, the target stands. */
  constructor(feedback: boolean) {
    this.video = { ...VP8_VIDEO, feedback: { ...VP8_VIDEO.feedback, transportCc: feedback } };
  }

  sendRtp({ payload }: OutgoingRtp): { transportSequence: number; sizeBytes: number } {
    if (this.video.feedback.transportCc) this.sentAtUs.push(systemClock.nowUs());
    return { transportSequence: this.sent++, sizeBytes: payload.length + OVERHEAD_BYTES };
  }

  sendRtcp(): void {}
}

export async function run(): Promise<PacingReport> {
  const measured = [await measure('pacing'), await measure('pacing with feedback')];
  const figures = measured.map((figure) => ({ ...figure, met: figure.cpuShare < figure.goal }));
  const estimator = measureEstimator();
  const met = estimator.microsecondsPerPacket < estimator.goal;
  return { suite: 'pacing', machine: describeMachine(), figures, estimator: { ...estimator, met } };
}

async function measure(section: PacingFigure['section']): Promise<PacingFigure> {
  const feedback = section === 'pacing with feedback';
  const without = await drive({ feedback, senders: false });
  const whole = await drive({ feedback, senders: true });
  const cpuMs = whole.cpuMs - without.cpuMs;
  return {
    section,
    viewers: VIEWERS,
    packetsPerSecond: Math.round((whole.packets * 1_000) / RUN_MS),
    cpuShare: Math.round((cpuMs / RUN_MS) * 1_000) / 1_000,
    microsecondsPerPacket: Math.round((cpuMs * 10_000) / whole.packets) / 10,
    goal: CPU_SHARE_GOAL,
  };
}

/** Makes every viewer's frames and feedback in time; hands them to senders, or to nobody. */
async function drive(options: { feedback: boolean; senders: boolean }): Promise<{ cpuMs: number; packets: number }> {
  const timer = new PacerTimer();
  const random = seededRandom(1);
  const viewers = Array.from({ length: VIEWERS }, (_, index) => {
    const path = new CountingPath(options.feedback);
    // A target the frames fit: what is measured is the pacing of media, not a search for capacity.
    const estimator = new GlimpseEstimator({ startBps: 1.2 * BITRATE_BPS, maxBps: 1.2 * BITRATE_BPS });
    const sender = new VideoSender({ path, estimator, clock: systemClock, timer, random });
    const viewer = { path, sender, keyframe: true, frames: 0, reported: 0, atMs: (index * 1_000) / FPS / VIEWERS };
    sender.events.on('keyframeNeeded', () => (viewer.keyframe = true));
    return viewer;
  });
  const unit = (keyframe: boolean): AccessUnit => {
    const data = new Uint8Array(Math.round(BITRATE_BPS / 8 / FPS));
    return { data, keyframe, widthPx: 16, heightPx: 16, encodeMs: 0 };
  };
  const startedMs = performance.now();
  const tick = setInterval(() => {
    const nowMs = performance.now() - startedMs;
    for (const viewer of viewers) {
      if (viewer.atMs > nowMs) continue;
      viewer.atMs += 1_000 / FPS;
      const frame = unit(viewer.keyframe);
      viewer.keyframe = false;
      viewer.frames += 1;
      if (options.senders) viewer.sender.sendFrame(frame, { captureUs: systemClock.nowUs() });
      if (!options.feedback || viewer.frames % Math.round((FEEDBACK_MS * FPS) / 1_000) !== 0) continue;
      const { path, sender } = viewer;
      const times = options.senders ? path.sentAtUs.splice(0) : PACKETS_EXPECTED.map((us) => us + nowMs * 1_000);
      const arrivals = times.map((sentAtUs, index) => {
        return { sequence: viewer.reported + index, arrivedAtUs: Math.round(sentAtUs) + DELAY_US };
      });
      viewer.reported += arrivals.length;
      if (arrivals.length === 0) continue;
      const packet = transportFeedback(VP8_VIDEO.ssrc, encodeTwcc(arrivals));
      if (options.senders) sender.onRtcp(packet);
    }
  }, 1);
  await sleep(WARM_UP_MS);
  const packets = (): number => viewers.reduce((sum, { path }) => sum + path.sent, 0);
  const before = { cpu: process.cpuUsage(), packets: packets() };
  await sleep(RUN_MS);
  const { user, system } = process.cpuUsage(before.cpu);
  const sent = packets() - before.packets;
  clearInterval(tick);
  for (const { sender } of viewers) sender.close();
  return { cpuMs: (user + system) / 1_000, packets: sent };
}

/** Packets of one viewer, told of as they leave and again in feedback of twenty. */
function measureEstimator(): Omit<PacingReport['estimator'], 'met'> {
  const estimator = new GlimpseEstimator({ startBps: 2_000_000 });
  const random = seededRandom(1);
  const intervalUs = 5_000;
  const startedMs = performance.now();
  for (let sequence = 0; sequence < ESTIMATOR_PACKETS; sequence++) {
    const nowUs = sequence * intervalUs;
    estimator.onPacketSent({ sequence, sizeBytes: 1_100, sentAtUs: nowUs, kind: 'delta' });
    if (sequence % 5 === 0) estimator.onTick(nowUs);
    if (sequence % 20 !== 19) continue;
    const packets = Array.from({ length: 20 }, (_, index) => {
      const reported = sequence - 19 + index;
      return { sequence: reported, arrivedAtUs: reported * intervalUs + 40_000 + Math.round(random() * 3_000) };
    });
    estimator.onFeedback({ packets }, nowUs + 50_000);
  }
  const microseconds = ((performance.now() - startedMs) * 1_000) / ESTIMATOR_PACKETS;
  return {
    packets: ESTIMATOR_PACKETS,
    microsecondsPerPacket: Math.round(microseconds * 100) / 100,
    goal: ESTIMATOR_GOAL_US,
  };
}

export function formatTable({ machine, figures, estimator }: PacingReport): string {
  const verdict = (met: boolean): string => (met ? 'met' : 'MISSED');
  const rows = figures.map(({ section, viewers, packetsPerSecond, cpuShare, microsecondsPerPacket, goal, met }) => [
    `${section}, ${viewers} viewers`,
    String(packetsPerSecond),
    `${(cpuShare * 100).toFixed(1)}%`,
    microsecondsPerPacket.toFixed(1),
    `below ${goal * 100}% of a core`,
    verdict(met),
  ]);
  const { packets, microsecondsPerPacket, goal, met } = estimator;
  return [
    `pacing; ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}`,
    textTable([
      ['', 'packets/s', 'of a core', 'µs a packet', 'goal', ''],
      ...rows,
      [
        `estimator, ${packets} packets`,
        '',
        '',
        microsecondsPerPacket.toFixed(2),
        `below ${goal} µs a packet`,
        verdict(met),
      ],
    ]),
  ].join('\n\n');
}
