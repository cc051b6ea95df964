/** What the baseline's loss model is fitted to: the last spans of at least 250 ms, each with its sending rate and losses. */
const WINDOW = 15;
const SPAN_MIN_US = 250_000;
const AGE_WEIGHT = 0.9;
const PROBABILITY_MIN = 1e-6;

interface Observation {
  sentBps: number;
  packets: number;
  lost: number;
}

export class LossObservations {
  #closed: Observation[] = [];
  #packets = 0;
  #lost = 0;
  #bytes = 0;
  #firstUs = Infinity;
  #lastUs = -Infinity;

  add(sentUs: number, sizeBytes: number, lost: boolean): void {
    this.#packets += 1;
    this.#lost += lost ? 1 : 0;
    this.#bytes += sizeBytes;
    this.#firstUs = Math.min(this.#firstUs, sentUs);
    this.#lastUs = Math.max(this.#lastUs, sentUs);
  }

  /** @returns true when an observation has become complete. */
  close(): boolean {
    const spanUs = this.#lastUs - this.#firstUs;
    if (spanUs < SPAN_MIN_US) return false;
    this.#closed.unshift({ sentBps: (this.#bytes * 8_000_000) / spanUs, packets: this.#packets, lost: this.#lost });
    this.#closed.length = Math.min(this.#closed.length, WINDOW);
    this.#packets = 0;
    this.#lost = 0;
    this.#bytes = 0;
    this.#firstUs = Infinity;
    this.#lastUs = -Infinity;
    return true;
  }

  /** Weighted number of packets. */
  get weight(): number {
    return this.#sum(({ packets }) => packets);
  }

  /** 0…1, the recent ones weighing more. */
  get averageLoss(): number {
    return this.weight === 0 ? 0 : this.#sum(({ lost }) => lost) / this.weight;
  }

  likelihood(bps: number, inherent: number): number {
    return this.#sum(({ sentBps, packets, lost }) => {
      const expected = lossAt(bps, inherent, sentBps);
      return lost * Math.log(expected) + (packets - lost) * Math.log(1 - expected);
    });
  }

  /** Of the likelihood, by inherent loss. */
  derivatives(bps: number, inherent: number): { first: number; second: number } {
    const first = this.#sum(({ sentBps, packets, lost }) => {
      const expected = lossAt(bps, inherent, sentBps);
      return lost / expected - (packets - lost) / (1 - expected);
    });
    const second = this.#sum(({ sentBps, packets, lost }) => {
      const expected = lossAt(bps, inherent, sentBps);
      return -lost / expected ** 2 - (packets - lost) / (1 - expected) ** 2;
    });
    return { first, second: second === 0 ? -1e-6 : second };
  }

  #sum(value: (observation: Observation) => number): number {
    return this.#closed.reduce((sum, observation, age) => sum + AGE_WEIGHT ** age * value(observation), 0);
  }
}

/** What exceeds the bandwidth is lost as well. */
function lossAt(bps: number, inherent: number, sentBps: number): number {
  const expected = sentBps > bps ? inherent + ((1 - inherent) * (sentBps - bps)) / sentBps : inherent;
  return Math.min(Math.max(expected, PROBABILITY_MIN), 1 - PROBABILITY_MIN);
}
