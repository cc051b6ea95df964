/** The viewer of a fake peer behind a virtual link: gets what the link lets through, and answers as a browser does. */
import { Path, type PathPlan } from '../../bench/link/path.ts';
import { systemClock } from '../../src/clock.ts';
import type { SentRtp } from '../../bench/support/wire/array-media-path.ts';
import type { FakePeer } from '../../bench/support/wire/fake-peer-host.ts';
import { FeedbackReceiver } from './feedback-receiver.ts';
import * as rtcp from '../../bench/support/wire/rtcp-builder.ts';
import { encodeTwcc } from '../../bench/support/wire/twcc-encoder.ts';

const FEEDBACK_MS = 50;

/** Needs fake timers: the link is as fast as they are. */
export class VirtualViewer implements Disposable {
  /** Media packets that have arrived, retransmissions left out. */
  readonly received: SentRtp[] = [];
  readonly #peer: FakePeer;
  readonly #plan: PathPlan;
  readonly #link: Path;
  readonly #receiver = new FeedbackReceiver();
  readonly #timer: NodeJS.Timeout;

  constructor(peer: FakePeer, plan: PathPlan) {
    this.#peer = peer;
    this.#plan = plan;
    this.#link = new Path(plan);
    peer.sent.onRtp = (packet) => this.#send(packet);
    this.#timer = setInterval(() => this.#report(), FEEDBACK_MS);
  }

  /** Asks for a keyframe. */
  pli(): void {
    this.#back(rtcp.pli(this.#peer.sent.video.ssrc));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #send(packet: SentRtp): void {
    const nowUs = systemClock.nowUs();
    const fate = this.#link.send(packet.sizeBytes, nowUs);
    if (fate.outcome !== 'delivered') return;
    setTimeout(() => this.#arrive(packet), (fate.arrivalUs - nowUs) / 1_000);
  }

  #arrive(packet: SentRtp): void {
    const { video } = this.#peer.sent;
    this.#receiver.onRtp(packet, systemClock.nowUs(), video);
    if (packet.ssrc === video.ssrc) this.received.push(packet);
  }

  #report(): void {
    const { ssrc } = this.#peer.sent.video;
    const results = this.#receiver.report();
    if (results) this.#back(rtcp.transportFeedback(ssrc, encodeTwcc(results, { style: 'twoBit' })));
    const lost = this.#receiver.askAgain(systemClock.nowUs());
    if (lost.length > 0) this.#back(rtcp.nack(ssrc, lost));
  }

  #back(packet: Uint8Array): void {
    setTimeout(() => this.#peer.events.emit('rtcp', packet), this.#plan.delayUs / 1_000);
  }
}
