/**
 * One direction of a link: a bottleneck with a drop-tail queue in front of it, then chance loss, a fixed delay and
 * jitter. Pure: a packet is its size, the time is handed in, and its whole fate is known at once, because a first-in
 * first-out queue owes nothing to what comes later. A driver in virtual time and a relay of real datagrams use it alike.
 */
import { seededRandom } from './seeded-random.ts';
import { CapacitySchedule, within, type CapacityStep, type Span } from './capacity.ts';
import { LossProcess, type BurstLoss } from './loss.ts';

export interface PathPlan {
  capacity: readonly CapacityStep[];
  /** The queue keeps what it holds; nothing is served. */
  outages?: readonly Span[];
  /** What is sent in these spans vanishes unseen. */
  blackHoles?: readonly Span[];
  delayUs: number;
  /** One-way delay of each flow, where they differ; `delayUs` for the others. */
  flowDelaysUs?: readonly (number | undefined)[];
  /** Longest wait at the present capacity; a packet that would wait longer is dropped. */
  queueUs: number;
  /** Most that jitter adds. */
  jitterUs?: number;
  lossRatio?: number;
  burstLoss?: BurstLoss | undefined;
  seed?: number;
}

/** The bottleneck's time with one packet. */
export interface Service {
  startUs: number;
  endUs: number;
  /** In the queue, before its own bits were served. */
  waitUs: number;
}

export type Fate =
  | { outcome: 'delivered'; service: Service; arrivalUs: number }
  /** By chance, behind the bottleneck: its capacity was spent. */
  | { outcome: 'lost'; service: Service }
  /** The queue was full. */
  | { outcome: 'dropped' }
  | { outcome: 'vanished' };

/** Jitter is the size of a Gaussian that is cut off at so many standard deviations (RFC 8868 section 4.5.3). */
const JITTER_DEVIATIONS = 3;

export class Path {
  readonly capacity: CapacitySchedule;
  readonly #plan: PathPlan;
  readonly #random: () => number;
  readonly #loss: LossProcess;
  readonly #lastArrivalUs = new Map<number, number>();
  #freeAtUs = -Infinity;

  constructor(plan: PathPlan) {
    this.#plan = plan;
    this.capacity = new CapacitySchedule(plan.capacity, plan.outages);
    this.#random = seededRandom(plan.seed ?? 1);
    this.#loss = new LossProcess(plan.lossRatio ?? 0, plan.burstLoss, this.#random);
  }

  /** How long a packet sent now would wait. */
  queueMs(nowUs: number): number {
    return Math.max(0, this.#freeAtUs - nowUs) / 1_000;
  }

  /** @param flow packets of one flow keep their order. @param nowUs never less than in the call before. */
  send(sizeBytes: number, nowUs: number, flow = 0): Fate {
    const { blackHoles = [], queueUs } = this.#plan;
    if (within(blackHoles, nowUs)) return { outcome: 'vanished' };
    const startUs = Math.max(this.#freeAtUs, nowUs);
    const waitingBits = this.capacity.bitsBetween(nowUs, startUs);
    if ((waitingBits * 1_000_000) / this.capacity.nominalBpsAt(nowUs) > queueUs) return { outcome: 'dropped' };
    const endUs = this.capacity.servedAtUs(startUs, sizeBytes * 8);
    this.#freeAtUs = endUs;
    const service = { startUs, endUs, waitUs: startUs - nowUs };
    if (this.#loss.loses()) return { outcome: 'lost', service };
    return { outcome: 'delivered', service, arrivalUs: this.#arrivalUs(endUs, flow) };
  }

  /** Jitter only ever holds back: who overtakes nobody arrives with whoever is late. */
  #arrivalUs(endUs: number, flow: number): number {
    const delayUs = this.#plan.flowDelaysUs?.[flow] ?? this.#plan.delayUs;
    const arrivalUs = Math.max(endUs + delayUs + this.#jitterUs(), this.#lastArrivalUs.get(flow) ?? -Infinity);
    this.#lastArrivalUs.set(flow, arrivalUs);
    return arrivalUs;
  }

  #jitterUs(): number {
    const { jitterUs = 0 } = this.#plan;
    if (jitterUs === 0) return 0;
    const gaussian = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
    return Math.min(Math.abs(gaussian), JITTER_DEVIATIONS) * (jitterUs / JITTER_DEVIATIONS);
  }
}
