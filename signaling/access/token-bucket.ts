/** A token bucket: `perSecond` on average, `burst` at once. Pure: time is an argument. */
export interface BucketSize {
  perSecond: number;
  burst: number;
}

export class TokenBucket {
  readonly #size: BucketSize;
  #tokens: number;
  #atMs: number;

  constructor(size: BucketSize, nowMs: number) {
    this.#size = size;
    this.#tokens = size.burst;
    this.#atMs = nowMs;
  }

  /** Takes one token if there is one. @returns ms to wait; 0 when it was taken */
  take(nowMs: number): number {
    const { perSecond, burst } = this.#size;
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, nowMs - this.#atMs) / 1_000) * perSecond);
    this.#atMs = Math.max(this.#atMs, nowMs);
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) / perSecond) * 1_000);
    this.#tokens -= 1;
    return 0;
  }
}
