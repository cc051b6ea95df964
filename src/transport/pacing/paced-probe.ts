/** One probe cluster being sent: when its next packet is due at the cluster's own rate, and when it is complete. */
import type { ProbeRequest } from '../../congestion/bandwidth-estimator.ts';

/** A cluster this late would leave as one burst and measure our timer instead of the path. */
const LATE_MAX_US = 10_000;
/** Fewer packets give no rate. */
const PACKETS_MIN = 5;

export class PacedProbe {
  readonly #request: ProbeRequest;
  #startedAtUs: number | undefined;
  #sentBytes = 0;
  #packets = 0;

  constructor(request: ProbeRequest) {
    this.#request = request;
  }

  get id(): number {
    return this.#request.id;
  }

  /** Suitable size of one padding packet. */
  get packetBytes(): number {
    return Math.ceil(this.#request.sizeBytes / PACKETS_MIN);
  }

  /** When the next packet is due; undefined: the cluster is complete, or too late to finish. */
  dueUs(nowUs: number): number | undefined {
    const { rateBps, sizeBytes } = this.#request;
    if (this.#startedAtUs === undefined) return nowUs;
    if (this.#sentBytes >= sizeBytes && this.#packets >= PACKETS_MIN) return undefined;
    const dueUs = this.#startedAtUs + (this.#sentBytes * 8_000_000) / rateBps;
    return nowUs - dueUs > LATE_MAX_US ? undefined : dueUs;
  }

  sent(sizeBytes: number, nowUs: number): void {
    this.#startedAtUs ??= nowUs;
    this.#sentBytes += sizeBytes;
    this.#packets += 1;
  }
}
