/**
 * The baseline's measure of what arrives, as libwebrtc's `RobustThroughputEstimator`: at least 20 packets and one second,
 * the smaller of sending and receiving rate, the longest silence of the receiver counted like the second longest.
 */
const PACKETS_MIN = 20;
const PACKETS_MAX = 500;
const PACKETS_NEEDED = 10;
const WINDOW_MIN_US = 1_000_000;
const WINDOW_MAX_US = 5_000_000;
const SPAN_MIN_US = 1_000;

interface Arrival {
  sentUs: number;
  arrivedUs: number;
  sizeBytes: number;
}

export class GccThroughput {
  readonly #window: Arrival[] = [];

  /** In order of arrival. */
  add(arrival: Arrival): void {
    this.#window.push(arrival);
    while (this.#tooLong) this.#window.shift();
  }

  get bps(): number | undefined {
    if (this.#window.length < PACKETS_NEEDED) return undefined;
    const bySending = this.#window.toSorted((a, b) => a.sentUs - b.sentUs);
    const bytes = this.#window.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const [first, last] = [bySending[0]!, bySending.at(-1)!];
    const sendBps = rate(bytes - last.sizeBytes, last.sentUs - first.sentUs);
    const arrivalBps = rate(bytes - this.#window[0]!.sizeBytes, this.#arrivalSpanUs());
    return Math.min(sendBps, arrivalBps);
  }

  reset(): void {
    this.#window.length = 0;
  }

  get #tooLong(): boolean {
    const { length } = this.#window;
    const spanUs = length === 0 ? 0 : this.#window[length - 1]!.arrivedUs - this.#window[0]!.arrivedUs;
    return length > PACKETS_MAX || spanUs > WINDOW_MAX_US || (length > PACKETS_MIN && spanUs > WINDOW_MIN_US);
  }

  #arrivalSpanUs(): number {
    let longestUs = 0;
    let secondUs = 0;
    for (let index = 1; index < this.#window.length; index++) {
      const gapUs = this.#window[index]!.arrivedUs - this.#window[index - 1]!.arrivedUs;
      if (gapUs > longestUs) [longestUs, secondUs] = [gapUs, longestUs];
      else secondUs = Math.max(secondUs, gapUs);
    }
    return this.#window.at(-1)!.arrivedUs - this.#window[0]!.arrivedUs - longestUs + secondUs;
  }
}

const rate = (bytes: number, spanUs: number): number => (bytes * 8_000_000) / Math.max(spanUs, SPAN_MIN_US);
