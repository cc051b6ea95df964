/**
 * Arrivals by transport-wide number, and the feedback about them that the sender's estimator needs
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1). A packet that comes after the feedback which called
 * it lost is told in the next one. Pure; remembers a bounded number of arrivals.
 */
import { SequenceUnwrapper } from '../../congestion/feedback/sequence.ts';

/** Arrivals remembered, and packets that one message reports at most. */
const REMEMBERED = 1_024;
const PACKETS_MAX = 400;
const DELTA_UNIT_US = 250;
const REFERENCE_UNIT_US = 64_000;
const SMALL_DELTA_MAX = 255;
const LARGE_DELTA_MIN = -32_768;
const LARGE_DELTA_MAX = 32_767;
const HEADER_BYTES = 8;
const RUN_MAX = 0x1fff;
/** Two-bit symbols of one status vector chunk. */
const VECTOR_SYMBOLS = 7;
/** Two-bit packet status symbols. */
const NOT_RECEIVED = 0;
const SMALL = 1;
const LARGE = 2;

export class ArrivalLog {
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #arrivals = new Map<number, number>();
  /** Lowest number not told yet: one that is lost between two messages must be told too. */
  #next: number | undefined;
  #pending = false;
  #messages = 0;

  /** Something has arrived that is not told yet. */
  get pending(): boolean {
    return this.#pending;
  }

  /** @param transportSequence 16 bits */
  onPacket(transportSequence: number, nowUs: number): void {
    const sequence = this.#unwrapper.unwrap(transportSequence);
    const highest = this.#unwrapper.highest ?? sequence;
    if (sequence <= highest - REMEMBERED || this.#arrivals.has(sequence)) return;
    this.#arrivals.set(sequence, nowUs);
    this.#pending = true;
    this.#next = Math.max(Math.min(this.#next ?? sequence, sequence), highest - REMEMBERED + 1);
    if (this.#arrivals.size > REMEMBERED) this.#forget(highest - REMEMBERED);
  }

  /**
   * Feedback about what arrived since the last call, as feedback control information; undefined for nothing. Call again
   * until then: one message holds a few hundred packets.
   */
  take(): Uint8Array | undefined {
    const base = this.#next;
    const first = this.#pending ? this.#firstArrival() : undefined;
    if (base === undefined || first === undefined) return undefined;
    const highest = this.#unwrapper.highest!;
    const end = Math.min(highest + 1, base + PACKETS_MAX);
    const referenceTime = Math.floor(first / REFERENCE_UNIT_US);
    let ticks = referenceTime * (REFERENCE_UNIT_US / DELTA_UNIT_US);
    const symbols: number[] = [];
    const deltas: number[] = [];
    let next = base;
    for (; next < end; next++) {
      const arrivedUs = this.#arrivals.get(next);
      if (arrivedUs === undefined) {
        symbols.push(NOT_RECEIVED);
        continue;
      }
      const delta = Math.round(arrivedUs / DELTA_UNIT_US) - ticks;
      // The next message has a reference time of its own.
      if (delta < LARGE_DELTA_MIN || delta > LARGE_DELTA_MAX) break;
      ticks += delta;
      const small = delta >= 0 && delta <= SMALL_DELTA_MAX;
      symbols.push(small ? SMALL : LARGE);
      deltas.push(...(small ? [delta] : [(delta >> 8) & 0xff, delta & 0xff]));
    }
    this.#next = next;
    this.#pending = next <= highest;
    return this.#message(base, referenceTime, symbols, deltas);
  }

  /** Time of the first arrival not told yet. */
  #firstArrival(): number | undefined {
    const highest = this.#unwrapper.highest!;
    for (let sequence = this.#next!; sequence <= highest; sequence++) {
      const arrivedUs = this.#arrivals.get(sequence);
      if (arrivedUs !== undefined) return arrivedUs;
    }
    return undefined;
  }

  #forget(upTo: number): void {
    for (const sequence of this.#arrivals.keys()) if (sequence <= upTo) this.#arrivals.delete(sequence);
  }

  #message(base: number, referenceTime: number, symbols: readonly number[], deltas: readonly number[]): Uint8Array {
    const chunks = chunksOf(symbols);
    const bytes = new Uint8Array(HEADER_BYTES + 2 * chunks.length + deltas.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, base & 0xffff);
    view.setUint16(2, symbols.length);
    view.setUint32(4, (((referenceTime & 0xff_ffff) << 8) | (this.#messages++ & 0xff)) >>> 0);
    for (const [index, chunk] of chunks.entries()) view.setUint16(HEADER_BYTES + 2 * index, chunk);
    bytes.set(deltas, HEADER_BYTES + 2 * chunks.length);
    return bytes;
  }
}

/** A run-length chunk (3.1.3) where it is shorter, else a status vector of two-bit symbols (3.1.4). */
function chunksOf(symbols: readonly number[]): number[] {
  const chunks: number[] = [];
  let at = 0;
  while (at < symbols.length) {
    const symbol = symbols[at]!;
    let run = 1;
    while (run < RUN_MAX && symbols[at + run] === symbol) run += 1;
    if (run >= VECTOR_SYMBOLS || at + run === symbols.length) {
      chunks.push((symbol << 13) | run);
      at += run;
      continue;
    }
    let chunk = 0xc000;
    for (let index = 0; index < VECTOR_SYMBOLS; index++) chunk |= (symbols[at + index] ?? 0) << (12 - 2 * index);
    chunks.push(chunk);
    at += VECTOR_SYMBOLS;
  }
  return chunks;
}
