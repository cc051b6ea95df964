/**
 * How the path's queue responds to our rate: the time over which packets left, divided by the time over which the same
 * packets arrived. Over 1 the queue shrank behind them, under 1 it grew. A queue of our own responds to a cut in full,
 * a shared one only by our share. Because it compares the same packets, a cut has no effect before the packets behind
 * it have arrived, at any queue length.
 */
const MEMORY_US = 500_000;
/** A longer gap is a pause of the sender, not a response of the queue. */
const GAP_MAX_US = 300_000;

export class DrainSpeed {
  #leftUs = 0;
  #cameUs = 0;
  #last: { sentUs: number; arrivedUs: number } | undefined;

  /** Takes one received packet, in order of arrival. Each time is on its own side's clock. */
  add(sentUs: number, arrivedUs: number): void {
    const last = this.#last;
    this.#last = { sentUs, arrivedUs };
    if (!last) return;
    const cameUs = arrivedUs - last.arrivedUs;
    const leftUs = sentUs - last.sentUs;
    if (cameUs < 0 || Math.abs(leftUs) > GAP_MAX_US) return;
    const kept = Math.exp(-cameUs / MEMORY_US);
    this.#leftUs = kept * this.#leftUs + leftUs;
    this.#cameUs = kept * this.#cameUs + cameUs;
  }

  /** Over about the last half second of arrivals; 1 before any. */
  get ratio(): number {
    return this.#cameUs > 0 ? Math.max(0, this.#leftUs) / this.#cameUs : 1;
  }

  reset(): void {
    this.#leftUs = 0;
    this.#cameUs = 0;
    this.#last = undefined;
  }
}
