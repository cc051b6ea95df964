/**
 * One video stream over the virtual link: the production send path with an encoder model in front of it and the model
 * of a browser at the other end. Pauses are silences of the source, as when a user mutes the camera.
 */
import { VideoSender } from '../../src/transport/video-sender.ts';
import type { PacerTimer } from '../../src/transport/pacing/pacer-timer.ts';
import { RateMeter } from '../../src/transport/pacing/rate-meter.ts';
import { within, type Span } from './capacity.ts';
import { createController, type Controller, type ControllerName } from './controllers.ts';
import type { Flow, FlowContext } from './flow.ts';
import { MediaPort, RTCP_OVERHEAD_BYTES } from './media-port.ts';
import { Receiver } from './receiver.ts';
import { VideoSource } from './video-source.ts';

export interface MediaFlowOptions extends FlowContext {
  controller: ControllerName;
  timer: PacerTimer;
  feedbackIntervalMs: number;
  pauses: readonly Span[];
  clockJump: { atUs: number; jumpUs: number } | undefined;
}

/** Viewers who join and hiccups of a real session ask for one now and then. */
const KEYFRAME_INTERVAL_US = 10_000_000;
const REQUEST_INTERVAL_US = 20_000;
const REPORT_INTERVAL_US = 1_000_000;

export class MediaFlow implements Flow {
  readonly #options: MediaFlowOptions;
  readonly #controller: Controller;
  readonly #source: VideoSource;
  readonly #receiver: Receiver;
  readonly #sender: VideoSender;
  #keyframeNeeded = true;
  #keyframeUs = 0;
  readonly #packets = new RateMeter();
  readonly #copies = new RateMeter();
  #counted = { packets: 0, copies: 0 };
  #running = false;

  constructor(options: MediaFlowOptions) {
    this.#options = options;
    const { index, controller, time, timer, link, random, clockJump } = options;
    this.#controller = createController(controller);
    this.#source = new VideoSource(random);
    const port = new MediaPort({
      onRtp: (packet) => link.forward(index, packet.sizeBytes, () => this.#receiver.onRtp(packet, time.nowUs())),
      onRtcp: (packet, sizeBytes) => link.forward(index, sizeBytes, () => this.#receiver.onRtcp(packet, time.nowUs())),
    });
    this.#receiver = new Receiver({ video: port.video, clockJump });
    const { estimator, pacing } = this.#controller;
    this.#sender = new VideoSender({ path: port, estimator, clock: time, timer, random, pacing });
    this.#sender.events.on('keyframeNeeded', () => {
      this.#keyframeNeeded = true;
    });
  }

  get targetBps(): number {
    return this.#controller.estimator.targetBps;
  }

  start(): void {
    const { time, feedbackIntervalMs } = this.#options;
    this.#running = true;
    this.#keyframeUs = time.nowUs();
    this.#frame();
    this.#every(feedbackIntervalMs * 1_000, () => this.#receiver.feedback());
    this.#every(REQUEST_INTERVAL_US, () => this.#receiver.requests(time.nowUs()));
    this.#every(REPORT_INTERVAL_US, () => {
      const report = this.#receiver.report(time.nowUs());
      return report ? [report] : [];
    });
  }

  stop(): void {
    this.#running = false;
    this.#sender.close();
  }

  #frame(): void {
    if (!this.#running) return;
    const { time, pauses } = this.#options;
    const nowUs = time.nowUs();
    const { targetBps, pacerQueueMs, repairShare } = this.#sender.grant;
    const { packetsSent, retransmitted } = this.#sender.stats;
    const retransmittedRatio = this.#retransmitted(packetsSent, retransmitted, nowUs);
    const { bitrateBps, fps } = this.#controller.spend({
      targetBps,
      pacerQueueMs,
      nowUs,
      retransmittedRatio,
      repairShare,
    });
    if (!within(pauses, nowUs)) {
      const keyframe = this.#keyframeNeeded || nowUs - this.#keyframeUs >= KEYFRAME_INTERVAL_US;
      if (keyframe) this.#keyframeUs = nowUs;
      this.#keyframeNeeded &&= !keyframe;
      this.#sender.sendFrame(this.#source.encode({ bitrateBps, fps, keyframe }), { captureUs: nowUs });
    }
    time.at(nowUs + 1_000_000 / fps, () => this.#frame());
  }

  #retransmitted(packets: number, copies: number, nowUs: number): number {
    this.#packets.add(packets - this.#counted.packets, nowUs);
    this.#copies.add(copies - this.#counted.copies, nowUs);
    this.#counted = { packets, copies };
    return this.#copies.perSecond(nowUs) / Math.max(this.#packets.perSecond(nowUs), 1);
  }

  #every(intervalUs: number, packets: () => Uint8Array[]): void {
    const { time, link, index } = this.#options;
    time.at(time.nowUs() + intervalUs, () => {
      if (!this.#running) return;
      for (const packet of packets()) {
        link.backward(index, packet.length + RTCP_OVERHEAD_BYTES, () => this.#sender.onRtcp(packet));
      }
      this.#every(intervalUs, packets);
    });
  }
}
