/**
 * TCP Cubic's window (RFC 9438): after a loss it grows along a cubic curve whose plateau is the window at that loss, or
 * as fast as Reno would where that is more. Without HyStart.
 */
import { INITIAL_WINDOW_PACKETS, WINDOW_MIN_PACKETS, type CongestionWindow } from './window.ts';

const C = 0.4;
const BETA = 0.7;
/** Reno's growth at Cubic's smaller cut (RFC 9438 section 4.3). */
const RENO_GROWTH = (3 * (1 - BETA)) / (1 + BETA);

export class CubicWindow implements CongestionWindow {
  packets = INITIAL_WINDOW_PACKETS;
  #threshold = Infinity;
  #plateau = 0;
  #epochUs: number | undefined;
  /** What Reno would have by now. */
  #reno = 0;

  onAck(nowUs: number, rttUs: number): void {
    if (this.packets < this.#threshold) {
      this.packets += 1;
      return;
    }
    if (this.#epochUs === undefined) {
      this.#epochUs = nowUs;
      this.#plateau = Math.max(this.#plateau, this.packets);
      this.#reno = this.packets;
    }
    const seconds = (nowUs - this.#epochUs + rttUs) / 1_000_000;
    const steepest = Math.cbrt(Math.max(0, this.#plateau * (1 - BETA)) / C);
    const target = C * (seconds - steepest) ** 3 + this.#plateau;
    this.#reno += RENO_GROWTH / this.packets;
    const reached = Math.min(Math.max(target, this.packets), 1.5 * this.packets);
    this.packets = Math.max(this.packets + (reached - this.packets) / this.packets, this.#reno);
  }

  onLoss(): void {
    // Fast convergence: a flow whose plateau sinks leaves room for newcomers.
    this.#plateau = this.packets < this.#plateau ? (this.packets * (1 + BETA)) / 2 : this.packets;
    this.#threshold = Math.max(this.packets * BETA, WINDOW_MIN_PACKETS);
    this.packets = this.#threshold;
    this.#epochUs = undefined;
  }

  onTimeout(): void {
    this.onLoss();
    this.packets = 1;
  }
}
