/**
 * The standing queue of the path: one-way delay above its windowed minimum. The clocks of both ends differ by an
 * unknown constant, which the difference removes; a window of seconds keeps their drift (≤ 100 ppm) below a
 * millisecond. A delay gradient cannot see a queue that stands still; this can (as in LEDBAT, RFC 6817 section 2).
 */

/** The base is the minimum of this many buckets: ten seconds. */
const BUCKETS = 20;
const BUCKET_US = 500_000;
/** The present delay is the minimum of the last packets: jitter only ever adds, so the minimum shows the queue. */
const RECENT_PACKETS = 8;
const RECENT_US = 60_000;
/** Above: too much. Below: as good as empty. Between: neither. */
const CONGESTED_MS = 50;
const CLEAR_MS = 20;
/** On a slow path two packets sent together are a queue already: the limits in packets, for where those are longer. */
const CONGESTED_PACKETS = 3;
const CLEAR_PACKETS = 1.5;

/** As in RFC 3550. */
const JITTER_WEIGHT = 1 / 16;

export type QueueState = 'clear' | 'filling' | 'congested';

export class QueueDelay {
  #buckets: { startUs: number; minUs: number }[] = [];
  #recent: { arrivedUs: number; delayUs: number }[] = [];
  #queueMs = 0;
  #jitterUs = 0;
  #lastDelayUs: number | undefined;

  /** Takes one received packet, in order of arrival. Times on their own clocks. */
  add(sentUs: number, arrivedUs: number): void {
    const delayUs = arrivedUs - sentUs;
    this.#jitterUs += (Math.abs(delayUs - (this.#lastDelayUs ?? delayUs)) - this.#jitterUs) * JITTER_WEIGHT;
    this.#lastDelayUs = delayUs;
    this.#remember(arrivedUs, delayUs);
    this.#recent.push({ arrivedUs, delayUs });
    while (
      this.#recent.length > RECENT_PACKETS ||
      (this.#recent.length > 1 && arrivedUs - this.#recent[0]!.arrivedUs > RECENT_US)
    ) {
      this.#recent.shift();
    }
    const presentUs = Math.min(...this.#recent.map((packet) => packet.delayUs));
    this.#queueMs = Math.max(0, presentUs - this.#baseUs()) / 1_000;
  }

  get queueMs(): number {
    return this.#queueMs;
  }

  /** Mean change of delay from one packet to the next (RFC 3550 section 6.4.1). */
  get jitterMs(): number {
    return this.#jitterUs / 1_000;
  }

  /** @param packetMs how long the path needs for one packet. */
  state(packetMs: number): QueueState {
    if (this.#queueMs > Math.max(CONGESTED_MS, CONGESTED_PACKETS * packetMs)) return 'congested';
    return this.#queueMs < Math.max(CLEAR_MS, CLEAR_PACKETS * packetMs) ? 'clear' : 'filling';
  }

  /** Takes the present delay as the new base: the path has changed, or others keep its queue filled. */
  rebase(): void {
    this.#buckets = [];
    for (const { arrivedUs, delayUs } of this.#recent) this.#remember(arrivedUs, delayUs);
    this.#queueMs = 0;
  }

  reset(): void {
    this.#buckets = [];
    this.#recent = [];
    this.#queueMs = 0;
  }

  #remember(arrivedUs: number, delayUs: number): void {
    const latest = this.#buckets.at(-1);
    if (latest && arrivedUs < latest.startUs + BUCKET_US) {
      latest.minUs = Math.min(latest.minUs, delayUs);
      return;
    }
    this.#buckets.push({ startUs: arrivedUs, minUs: delayUs });
    while (this.#buckets[0]!.startUs <= arrivedUs - BUCKETS * BUCKET_US) this.#buckets.shift();
  }

  #baseUs(): number {
    return Math.min(...this.#buckets.map((bucket) => bucket.minUs));
  }
}
