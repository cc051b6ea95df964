/** The smallest value of a sliding window of time, kept in buckets: memory does not grow with the number of values. */
export class WindowedMin {
  readonly #bucketUs: number;
  readonly #windowUs: number;
  #buckets: { startUs: number; min: number }[] = [];

  /** The window slides in steps of a bucket and is between `buckets − 1` and `buckets` of them long. */
  constructor(bucketUs: number, buckets: number) {
    this.#bucketUs = bucketUs;
    this.#windowUs = bucketUs * buckets;
  }

  add(atUs: number, value: number): void {
    const latest = this.#buckets.at(-1);
    if (latest && atUs < latest.startUs + this.#bucketUs) {
      latest.min = Math.min(latest.min, value);
      return;
    }
    this.#buckets.push({ startUs: atUs, min: value });
    while (this.#buckets[0]!.startUs <= atUs - this.#windowUs) this.#buckets.shift();
  }

  /** Infinity while empty. */
  get min(): number {
    let min = Infinity;
    for (const bucket of this.#buckets) min = Math.min(min, bucket.min);
    return min;
  }

  clear(): void {
    this.#buckets = [];
  }
}
