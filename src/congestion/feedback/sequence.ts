/**
 * 16-bit serial numbers (RTP sequence numbers, transport-wide numbers) as integers that never wrap. Serial arithmetic
 * as in RFC 1982: 16 bits stand for the integer nearest to the previous one.
 */
const RANGE = 0x1_0000;
const HALF = 0x8000;

/** Signed distance from `from` to `to` in serial arithmetic, −32768…32767. */
export function distance16(from: number, to: number): number {
  const ahead = (to - from) & 0xffff;
  return ahead < HALF ? ahead : ahead - RANGE;
}

/** The integer nearest to `reference` whose low 16 bits are `value`. */
export const unwrap16 = (value: number, reference: number): number => reference + distance16(reference & 0xffff, value);

/** The integer nearest to `reference` whose low `bits` bits are `value`; `bits` at most 31. */
export function unwrapBits(value: number, reference: number, bits: number): number {
  const range = 2 ** bits;
  const ahead = (((value - reference) % range) + range) % range;
  return reference + (ahead < range / 2 ? ahead : ahead - range);
}

/** Unwraps a stream of 16-bit numbers, each relative to the highest before it. The first keeps its value. */
export class SequenceUnwrapper {
  #highest: number | undefined;

  unwrap(value: number): number {
    const low = value & 0xffff;
    const unwrapped = this.#highest === undefined ? low : unwrap16(low, this.#highest);
    this.#highest = Math.max(this.#highest ?? unwrapped, unwrapped);
    return unwrapped;
  }

  /** Highest number so far; undefined before the first. */
  get highest(): number | undefined {
    return this.#highest;
  }
}
