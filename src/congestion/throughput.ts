/**
 * How fast acknowledged bytes arrived, on the receiver's clock: over half a second, and while the path's queue was
 * never empty. The second is the capacity itself: a queue that is not empty is served at the path's full rate, however
 * little we send. It is what a cut follows.
 */
const WINDOW_US = 500_000;
const SPAN_MIN_US = 100_000;
/** A capacity older than this is history. */
const BUSY_US = 200_000;
const BUSY_MIN_US = 20_000;
/** Fewer packets than this say nothing about a rate: at low rates windows stretch to hold them, up to the limit. */
const PACKETS_MIN = 5;
const STRETCHED_US = 2_000_000;

export class Throughput {
  #arrivals: { arrivedUs: number; sizeBytes: number }[] = [];
  /** Arrival of the first packet of the present run of packets that all waited in a queue. */
  #busySinceUs: number | undefined;
  /** Asked for far more often than something arrives; null: not reckoned since. */
  #bps: number | null | undefined;

  /** Takes one received packet, in order of arrival; `queued`: it waited behind others on the path. */
  add(arrivedUs: number, sizeBytes: number, queued: boolean): void {
    if (!queued) this.#busySinceUs = undefined;
    else this.#busySinceUs ??= arrivedUs;
    this.#arrivals.push({ arrivedUs, sizeBytes });
    this.#bps = null;
    while (this.#arrivals[0]!.arrivedUs < arrivedUs - STRETCHED_US) this.#arrivals.shift();
  }

  /** Over the last half second of arrivals; undefined while too little has arrived. */
  get bps(): number | undefined {
    if (this.#bps === null) this.#bps = this.#rate(WINDOW_US, -Infinity, SPAN_MIN_US);
    return this.#bps;
  }

  /** The path's capacity as the present queue shows it; undefined while there is none to see it by. */
  get capacityBps(): number | undefined {
    if (this.#busySinceUs === undefined) return undefined;
    return this.#rate(BUSY_US, this.#busySinceUs, BUSY_MIN_US);
  }

  reset(): void {
    this.#arrivals = [];
    this.#busySinceUs = undefined;
    this.#bps = undefined;
  }

  /** Over the last `windowUs`, or as far back as five packets reach, but not beyond `notBeforeUs`. */
  #rate(windowUs: number, notBeforeUs: number, spanMinUs: number): number | undefined {
    const last = this.#arrivals.at(-1);
    if (!last) return undefined;
    let first = this.#arrivals.length - 1;
    let bytes = 0;
    while (first > 0) {
      const { arrivedUs } = this.#arrivals[first - 1]!;
      const enough = this.#arrivals.length - first >= PACKETS_MIN;
      if (arrivedUs < notBeforeUs || (enough && arrivedUs < last.arrivedUs - windowUs)) break;
      bytes += this.#arrivals[first]!.sizeBytes;
      first -= 1;
    }
    // The first packet marks the start; its own bytes came before it.
    const spanUs = last.arrivedUs - this.#arrivals[first]!.arrivedUs;
    if (this.#arrivals.length - first < PACKETS_MIN || spanUs < spanMinUs) return undefined;
    return (bytes * 8 * 1_000_000) / spanUs;
  }
}
