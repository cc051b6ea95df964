/**
 * A one-way link in virtual time: a capacity that may change, a drop-tail queue, a fixed delay, seeded random loss.
 * Packets are served in order; nothing but arithmetic happens, so a minute of link takes milliseconds.
 */
import { seededRandom } from './seeded-random.ts';

export interface LinkPlan {
  /** Capacity from each instant on, first at 0. */
  capacity: readonly { fromUs: number; bps: number }[];
  delayUs: number;
  /** Longest a packet may wait; what would wait longer is dropped. */
  queueUs: number;
  lossRatio?: number;
  jitterUs?: number;
  seed?: number;
}

export class VirtualLink {
  readonly #plan: LinkPlan;
  readonly #random: () => number;
  #freeAtUs = 0;
  #lastArrivalUs = 0;

  constructor(plan: LinkPlan) {
    this.#plan = plan;
    this.#random = seededRandom(plan.seed ?? 1);
  }

  capacityBps(nowUs: number): number {
    return this.#plan.capacity.findLast((step) => step.fromUs <= nowUs)!.bps;
  }

  queueMs(nowUs: number): number {
    return Math.max(0, this.#freeAtUs - nowUs) / 1_000;
  }

  /** @returns when the packet arrives, on the sender's clock; undefined when it is lost. */
  send(sizeBytes: number, nowUs: number): number | undefined {
    const { queueUs, delayUs, lossRatio = 0, jitterUs = 0 } = this.#plan;
    const startUs = Math.max(this.#freeAtUs, nowUs);
    if (startUs - nowUs > queueUs) return undefined;
    this.#freeAtUs = this.#serve(startUs, sizeBytes * 8);
    if (this.#random() < lossRatio) return undefined;
    const arrivalUs = this.#freeAtUs + delayUs + this.#random() * jitterUs;
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, arrivalUs);
    return this.#lastArrivalUs;
  }

  /** Serves `bits` from `startUs` on, across changes of capacity. */
  #serve(startUs: number, bits: number): number {
    let nowUs = startUs;
    let left = bits;
    for (;;) {
      const bps = this.capacityBps(nowUs);
      const changeUs = this.#plan.capacity.find((step) => step.fromUs > nowUs)?.fromUs ?? Infinity;
      const doneUs = nowUs + (left * 1_000_000) / bps;
      if (doneUs <= changeUs) return doneUs;
      left -= (bps * (changeUs - nowUs)) / 1_000_000;
      nowUs = changeUs;
    }
  }
}
