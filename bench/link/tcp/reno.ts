/** TCP Reno's window (RFC 5681): doubles per round trip in slow start, then one packet more; a loss halves it. */
import { INITIAL_WINDOW_PACKETS, WINDOW_MIN_PACKETS, type CongestionWindow } from './window.ts';

export class RenoWindow implements CongestionWindow {
  packets = INITIAL_WINDOW_PACKETS;
  #threshold = Infinity;

  onAck(): void {
    this.packets += this.packets < this.#threshold ? 1 : 1 / this.packets;
  }

  onLoss(): void {
    this.#threshold = Math.max(this.packets / 2, WINDOW_MIN_PACKETS);
    this.packets = this.#threshold;
  }

  onTimeout(): void {
    this.#threshold = Math.max(this.packets / 2, WINDOW_MIN_PACKETS);
    this.packets = 1;
  }
}
