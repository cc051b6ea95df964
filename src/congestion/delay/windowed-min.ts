/** Minimum over a sliding time window, kept in buckets: memory does not grow with the number of values. */
export class WindowedMin {
  readonly #bucketUs: number;
  readonly #windowUs: number;
  #buckets: { startUs: number; min: number }[] = [];
  /** Cached: read for every packet, and rarely changed. */
  #min = Infinity;

  /** The window slides by one bucket and is between `buckets − 1` and `buckets` of them long. */
  constructor(bucketUs: number, buckets: number) {
    this.#bucketUs = bucketUs;
    this.#windowUs = bucketUs * buckets;
  }

  add(atUs: number, value: number): void {
    this.#min = Math.min(this.#min, value);
    const latest = this.#buckets.at(-1);
    if (latest && atUs < latest.startUs + this.#bucketUs) {
      latest.min = Math.min(latest.min, value);
      return;
    }
    this.#buckets.push({ startUs: atUs, min: value });
    let stale = false;
    while (this.#buckets[0]!.startUs <= atUs - this.#windowUs) stale = this.#buckets.shift()!.min <= this.#min || stale;
    if (!stale) return;
    this.#min = Infinity;
    for (const { min } of this.#buckets) this.#min = Math.min(this.#min, min);
  }

  /** Infinity while empty. */
  get min(): number {
    return this.#min;
  }

  clear(): void {
    this.#buckets = [];
    this.#min = Infinity;
  }
}
