/** Hostile inputs from good ones: the mutations fuzzers use (bit flips, splices, repeats), seeded, so that each can be made again. */
import { seededRandom } from '../../bench/link/seeded-random.ts';

/** The largest input an edge lets through to a parser. */
export const INPUT_MAX_BYTES = 64 * 1024;
/** One input in so many is blown up to the largest, to find what is slow rather than what is wrong. */
const HUGE_EVERY = 2_000;
const EDITS_MAX = 6;
const INTERESTING = [0, 1, 0x0a, 0x0d, 0x20, 0x22, 0x2e, 0x3a, 0x3d, 0x5b, 0x7b, 0x7f, 0x80, 0xff];

export class Mutator {
  readonly #seeds: readonly Buffer[];
  readonly #random: () => number;
  #made = 0;

  constructor(seeds: readonly Buffer[], seed: number) {
    this.#seeds = seeds;
    this.#random = seededRandom(seed);
  }

  next(): Buffer {
    this.#made += 1;
    let input = this.#seed();
    if (this.#made % HUGE_EVERY === 0) return this.#edit(this.#blowUp(input));
    const edits = 1 + this.#below(EDITS_MAX);
    for (let edit = 0; edit < edits; edit++) input = this.#edit(input);
    return input.length > INPUT_MAX_BYTES ? input.subarray(0, INPUT_MAX_BYTES) : input;
  }

  #edit(input: Buffer): Buffer {
    const at = this.#below(input.length + 1);
    const length = this.#below(Math.min(64, input.length - at) + 1);
    const [before, range, after] = [
      input.subarray(0, at),
      input.subarray(at, at + length),
      input.subarray(at + length),
    ];
    switch (this.#below(7)) {
      case 0: {
        const flipped = Buffer.from(input);
        if (at < flipped.length) flipped[at]! ^= 1 << this.#below(8);
        return flipped;
      }
      case 1: {
        const set = Buffer.from(input);
        if (at < set.length) set[at] = INTERESTING[this.#below(INTERESTING.length)]!;
        return set;
      }
      case 2:
        return Buffer.concat([before, after]);
      case 3:
        return Buffer.concat([before, range, range, after]);
      case 4:
        return before;
      case 5: {
        const other = this.#seed();
        const from = this.#below(other.length + 1);
        return Buffer.concat([before, other.subarray(from, from + this.#below(128)), after]);
      }
      default: {
        const noise = Buffer.from(Array.from({ length: this.#below(8) }, () => this.#below(256)));
        return Buffer.concat([before, noise, after]);
      }
    }
  }

  /** One stretch of it, over and over. */
  #blowUp(input: Buffer): Buffer {
    const at = this.#below(input.length + 1);
    const stretch = input.subarray(at, at + 1 + this.#below(40));
    if (stretch.length === 0) return input;
    const times = Math.floor((INPUT_MAX_BYTES - input.length) / stretch.length);
    const repeated = Buffer.concat(Array.from({ length: Math.max(1, times) }, () => stretch));
    return Buffer.concat([input.subarray(0, at), repeated, input.subarray(at)]).subarray(0, INPUT_MAX_BYTES);
  }

  #seed(): Buffer {
    return this.#seeds[this.#below(this.#seeds.length)] ?? Buffer.alloc(0);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
