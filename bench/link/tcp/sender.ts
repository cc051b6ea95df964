/**
 * A TCP sender as far as others on the link can feel it: window-limited, clocked by acknowledgements, loss seen by three
 * later acknowledgements (RFC 6675) or by timeout (RFC 6298). Pure: what to send comes out, acknowledgements go in.
 */
import type { CongestionWindow } from './window.ts';

/** Ethernet's 1500 with IP and TCP headers. */
export const SEGMENT_BYTES = 1_500;
export const ACK_BYTES = 40;
const REORDERING_PACKETS = 3;
/** Linux's floor; RFC 6298 would have a second. */
const TIMEOUT_MIN_US = 200_000;
const TIMEOUT_START_US = 1_000_000;
const TIMEOUT_MAX_US = 60_000_000;

export class TcpSender {
  readonly #window: CongestionWindow;
  /** By sequence, in order of sending. */
  readonly #inFlight = new Map<number, number>();
  #next = 0;
  /** Losses of packets sent before this one belong to the cut already made. */
  #recoveryPoint = 0;
  #srttUs: number | undefined;
  #rttVarUs = 0;
  #backoff = 1;
  #heardUs = 0;

  constructor(window: CongestionWindow) {
    this.#window = window;
  }

  get idle(): boolean {
    return this.#inFlight.size === 0;
  }

  get maySend(): boolean {
    return this.#inFlight.size < Math.floor(Math.max(this.#window.packets, 1));
  }

  /** When the oldest packet in flight counts as lost. */
  get timeoutUs(): number {
    const [oldestUs] = this.#inFlight.values();
    return oldestUs === undefined ? Infinity : Math.max(oldestUs, this.#heardUs) + this.#rtoUs;
  }

  /** @returns the sequence number of the segment that has just been sent. */
  onSent(nowUs: number): number {
    this.#inFlight.set(this.#next, nowUs);
    return this.#next++;
  }

  /** @returns how many segments are known to be lost by it, to be sent again. */
  onAck(sequence: number, nowUs: number): number {
    const sentUs = this.#inFlight.get(sequence);
    if (sentUs === undefined) return 0;
    this.#inFlight.delete(sequence);
    this.#heardUs = nowUs;
    this.#backoff = 1;
    this.#measure(nowUs - sentUs);
    this.#window.onAck(nowUs, this.#srttUs ?? nowUs - sentUs);
    let lost = 0;
    for (const older of this.#inFlight.keys()) {
      if (older > sequence - REORDERING_PACKETS) break;
      this.#inFlight.delete(older);
      lost += 1;
      if (older < this.#recoveryPoint) continue;
      this.#recoveryPoint = this.#next;
      this.#window.onLoss(nowUs);
    }
    return lost;
  }

  /** @returns how many segments are to be sent again. */
  onTimeout(nowUs: number): number {
    const lost = this.#inFlight.size;
    this.#inFlight.clear();
    this.#recoveryPoint = this.#next;
    this.#backoff *= 2;
    this.#window.onTimeout(nowUs);
    return lost;
  }

  get #rtoUs(): number {
    const baseUs = this.#srttUs === undefined ? TIMEOUT_START_US : this.#srttUs + 4 * this.#rttVarUs;
    return Math.min(Math.max(baseUs, TIMEOUT_MIN_US) * this.#backoff, TIMEOUT_MAX_US);
  }

  #measure(rttUs: number): void {
    if (this.#srttUs === undefined) {
      this.#srttUs = rttUs;
      this.#rttVarUs = rttUs / 2;
      return;
    }
    this.#rttVarUs += (Math.abs(rttUs - this.#srttUs) - this.#rttVarUs) / 4;
    this.#srttUs += (rttUs - this.#srttUs) / 8;
  }
}
