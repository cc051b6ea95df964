/**
 * How the queue of the path answers what we send: the time packets took to leave over the time the same packets took to
 * arrive. Over 1 the queue got shorter behind them, by as much as less was put in than it served; under 1 it grew. A
 * queue of our own answers a cut in full; one that others fill answers only by our share of it. Because it compares the
 * same packets, it says nothing of a cut before the packets behind it have arrived, however long the queue.
 */
const MEMORY_US = 500_000;
/** A pause of the sender is no answer of the queue. */
const GAP_MAX_US = 300_000;

export class DrainSpeed {
  #leftUs = 0;
  #cameUs = 0;
  #last: { sentUs: number; arrivedUs: number } | undefined;

  /** Takes one received packet, in order of arrival. Times on their own clocks. */
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

  /** Over the last half second or so of arrivals; 1 before any. */
  get ratio(): number {
    return this.#cameUs > 0 ? Math.max(0, this.#leftUs) / this.#cameUs : 1;
  }

  reset(): void {
    this.#leftUs = 0;
    this.#cameUs = 0;
    this.#last = undefined;
  }
}
