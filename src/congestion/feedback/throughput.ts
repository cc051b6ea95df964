/**
 * Rate at which acknowledged bytes arrived, on the receiver's clock: over half a second, and while the path's queue was
 * not empty. The second is the path's capacity, because a queue that is not empty is served at the full rate whatever
 * we send. A cut follows it.
 */
const WINDOW_US = 500_000;
const SPAN_MIN_US = 100_000;
/** Window of the capacity: older arrivals do not count. */
const BUSY_US = 200_000;
const BUSY_MIN_US = 20_000;
/** Fewer packets give no rate: at low rates the windows stretch to hold them, up to the limit. */
const PACKETS_MIN = 5;
const STRETCHED_US = 2_000_000;
/** Arrivals kept: two seconds at 20 Mbps. Limits memory if a receiver's clock stands still. */
const ARRIVALS_MAX = 4_096;
/** Old arrivals are removed in batches of this size. */
const CLEARED_TOGETHER = 64;

export class Throughput {
  /** Arrivals in order; those before `#first` have left the window and are removed in batches. */
  #arrivedUs: number[] = [];
  #sizeBytes: number[] = [];
  #first = 0;
  /** Arrival of the first packet of the current run of queued packets. */
  #busySinceUs: number | undefined;
  /** Cached, because it is read far more often than packets arrive; null: not computed since the last arrival. */
  #bps: number | null | undefined;

  /** Takes one received packet, in order of arrival; `queued`: it waited behind others on the path. */
  add(arrivedUs: number, sizeBytes: number, queued: boolean): void {
    if (!queued) this.#busySinceUs = undefined;
    else this.#busySinceUs ??= arrivedUs;
    this.#arrivedUs.push(arrivedUs);
    this.#sizeBytes.push(sizeBytes);
    this.#bps = null;
    while (this.#arrivedUs[this.#first]! < arrivedUs - STRETCHED_US) this.#first += 1;
    if (this.#arrivedUs.length - this.#first > ARRIVALS_MAX) this.#first += CLEARED_TOGETHER;
    if (this.#first < CLEARED_TOGETHER) return;
    this.#arrivedUs.splice(0, this.#first);
    this.#sizeBytes.splice(0, this.#first);
    this.#first = 0;
  }

  /** Over the last half second of arrivals; undefined while too little has arrived. */
  get bps(): number | undefined {
    if (this.#bps === null) this.#bps = this.#rate(WINDOW_US, -Infinity, SPAN_MIN_US);
    return this.#bps;
  }

  /** The path's capacity from the current queue; undefined without one. */
  get capacityBps(): number | undefined {
    if (this.#busySinceUs === undefined) return undefined;
    return this.#rate(BUSY_US, this.#busySinceUs, BUSY_MIN_US);
  }

  reset(): void {
    this.#arrivedUs = [];
    this.#sizeBytes = [];
    this.#first = 0;
    this.#busySinceUs = undefined;
    this.#bps = undefined;
  }

  /** Over the last `windowUs`, or longer to cover five packets, but not before `notBeforeUs`. */
  #rate(windowUs: number, notBeforeUs: number, spanMinUs: number): number | undefined {
    const arrivedUs = this.#arrivedUs;
    const sizeBytes = this.#sizeBytes;
    const { length } = arrivedUs;
    if (length === 0) return undefined;
    const lastUs = arrivedUs[length - 1]!;
    let first = length - 1;
    let bytes = 0;
    while (first > this.#first) {
      const beforeUs = arrivedUs[first - 1]!;
      const enough = length - first >= PACKETS_MIN;
      if (beforeUs < notBeforeUs || (enough && beforeUs < lastUs - windowUs)) break;
      bytes += sizeBytes[first]!;
      first -= 1;
    }
    // The first packet marks the start: its own bytes do not count.
    const spanUs = lastUs - arrivedUs[first]!;
    if (length - first < PACKETS_MIN || spanUs < spanMinUs) return undefined;
    return (bytes * 8 * 1_000_000) / spanUs;
  }
}
