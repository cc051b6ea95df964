/**
 * Streams that a worker serves. A lease is granted by the first job of a stream, renewed by each, and ends when no job
 * came for a while, when the stream's gateway is gone, or when the worker drains. Pure.
 */
export interface Lease {
  stream: string;
  gateway: string;
  grantedUs: number;
  renewedUs: number;
}

/** A live stream asks for a slice at least this often; a paused one loses nothing but its place. */
const IDLE_MS = 10_000;

export class Leases {
  readonly #leases = new Map<string, Lease>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** The newest `count`. */
  newest(count: number): Lease[] {
    return [...this.#leases.values()].toSorted((a, b) => b.renewedUs - a.renewedUs).slice(0, count);
  }

  /** Grants or renews; false when all are taken. A stream that moved to another gateway takes its lease along. */
  renew(stream: string, gateway: string, nowUs: number): boolean {
    const known = this.#leases.get(stream);
    if (!known && this.#leases.size >= this.#max) return false;
    this.#leases.set(stream, { stream, gateway, grantedUs: known?.grantedUs ?? nowUs, renewedUs: nowUs });
    return true;
  }

  expire(nowUs: number): void {
    for (const { stream, renewedUs } of this.#leases.values())
      if (nowUs - renewedUs > IDLE_MS * 1_000) this.#leases.delete(stream);
  }

  /** Ends all leases of a gateway that is gone. */
  endOf(gateway: string): void {
    for (const lease of this.#leases.values()) if (lease.gateway === gateway) this.#leases.delete(lease.stream);
  }

  clear(): void {
    this.#leases.clear();
  }
}
