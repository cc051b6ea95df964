/** Everyone who takes frames from a stream. Sums up what they can use, and pushes each change to the stream. */
import { demandOf, sameDemand, type Demand } from './demand.ts';

/** One viewer's place in the audience. */
export interface Seat {
  want(demand: Demand): void;
  /** Idempotent. */
  leave(): void;
}

export class Audience {
  readonly #stream: { demand(demand: Demand): void };
  readonly #wants = new Map<Seat, Demand>();
  #pushed: Demand | undefined;

  constructor(stream: { demand(demand: Demand): void }) {
    this.#stream = stream;
  }

  get size(): number {
    return this.#wants.size;
  }

  join(demand: Demand): Seat {
    const seat: Seat = {
      want: (next) => {
        if (this.#wants.has(seat)) this.#set(seat, next);
      },
      leave: () => {
        if (this.#wants.delete(seat)) this.#push();
      },
    };
    this.#set(seat, demand);
    return seat;
  }

  #set(seat: Seat, demand: Demand): void {
    this.#wants.set(seat, demand);
    this.#push();
  }

  #push(): void {
    const demand = demandOf([...this.#wants.values()]);
    if (this.#pushed && sameDemand(this.#pushed, demand)) return;
    this.#pushed = demand;
    this.#stream.demand(demand);
  }
}
