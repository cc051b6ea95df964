/**
 * Which missing packets to ask for, and when (RFC 4585 section 6.2.1): first when a few milliseconds show that it is
 * loss and not reordering, again after the time that a repair has taken so far, a bounded number of times. Pure.
 */
interface Missing {
  dueUs: number;
  askedUs: number | undefined;
  requests: number;
}

/** Reordering within a path is shorter. */
const REORDER_US = 5_000;
/** Requests for one packet; the frame is given up earlier on a path this bad. */
const REQUESTS_MAX = 8;
/** Missing packets remembered; a larger gap needs a keyframe. */
const MISSING_MAX = 512;
const REPAIR_FIRST_US = 100_000;
const REPAIR_MIN_US = 20_000;
const REPAIR_MAX_US = 500_000;
/** Weight of the newest repair. */
const SMOOTHING = 1 / 4;

export class NackList {
  readonly #missing = new Map<number, Missing>();
  #highest: number | undefined;
  #repairUs = REPAIR_FIRST_US;

  /** From a request to the packet it brought, smoothed. */
  get repairUs(): number {
    return this.#repairUs;
  }

  /** Earliest time at which `take` has something. */
  get nextUs(): number {
    let next = Infinity;
    for (const { dueUs } of this.#missing.values()) next = Math.min(next, dueUs);
    return next;
  }

  onPacket(sequence: number, nowUs: number): void {
    const missing = this.#missing.get(sequence);
    // After a repeat it is not known which request was answered.
    if (missing?.askedUs !== undefined && missing.requests === 1) {
      const tookUs = Math.min(Math.max(nowUs - missing.askedUs, REPAIR_MIN_US), REPAIR_MAX_US);
      this.#repairUs += (tookUs - this.#repairUs) * SMOOTHING;
    }
    this.#missing.delete(sequence);
    const highest = this.#highest ?? sequence;
    this.#highest = Math.max(highest, sequence);
    if (sequence - highest > MISSING_MAX) this.#missing.clear();
    else for (let lost = highest + 1; lost < sequence; lost++) this.#add(lost, nowUs);
  }

  /** Numbers below `sequence` are no longer of use. */
  forgetBefore(sequence: number): void {
    for (const lost of this.#missing.keys()) if (lost < sequence) this.#missing.delete(lost);
  }

  /** Numbers to ask for now, ascending. */
  take(nowUs: number): number[] {
    const due: number[] = [];
    for (const [sequence, missing] of this.#missing) {
      if (missing.dueUs > nowUs) continue;
      due.push(sequence);
      missing.requests += 1;
      missing.askedUs = nowUs;
      missing.dueUs = nowUs + this.#repairUs * 1.5;
      if (missing.requests >= REQUESTS_MAX) this.#missing.delete(sequence);
    }
    return due.toSorted((a, b) => a - b);
  }

  #add(sequence: number, nowUs: number): void {
    if (this.#missing.size < MISSING_MAX)
      this.#missing.set(sequence, { dueUs: nowUs + REORDER_US, askedUs: undefined, requests: 0 });
  }
}
