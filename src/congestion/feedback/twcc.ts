/**
 * Parses transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1):
 * which packets arrived, and when on the receiver's clock. Input comes from the network: every read is bounded,
 * malformed input yields undefined, and nothing throws. A message of 24 bytes may claim 65,535 packets, so the cost is
 * limited by the packets in flight.
 */
import type { PacketResult, TransportFeedback } from '../bandwidth-estimator.ts';
import { IN_FLIGHT_MAX } from './sent-packets.ts';
import { unwrap16, unwrapBits } from './sequence.ts';

const HEADER_BYTES = 8;
const DELTA_UNIT_US = 250;
const REFERENCE_UNIT_US = 64_000;
const REFERENCE_BITS = 24;

/** Two-bit packet status symbols. 3 is reserved. */
const NOT_RECEIVED = 0;
const SMALL_DELTA = 1;
const LARGE_DELTA = 2;

export interface TwccMessage {
  /** 16-bit number of the first packet reported. */
  baseSequence: number;
  /** 24 bits, in units of 64 ms. */
  referenceTime: number;
  /** 8-bit counter of feedback messages. */
  feedbackCount: number;
  /** Arrival after the reference time, µs, one entry per packet from `baseSequence` on; undefined: not received. */
  offsetsUs: (number | undefined)[];
}

/** Number of packets that a message claims to report; reads nothing else of it. */
export function packetsTold(fci: Uint8Array): number {
  return fci.length < HEADER_BYTES ? 0 : (fci[2]! << 8) | fci[3]!;
}

/**
 * Parses the feedback control information: the bytes after the two SSRCs of the RTCP packet.
 * @returns undefined when it is malformed or reports more packets than can be in flight
 */
export function parseTwcc(fci: Uint8Array): TwccMessage | undefined {
  const count = packetsTold(fci);
  if (count === 0 || count > IN_FLIGHT_MAX) return undefined;
  const view = new DataView(fci.buffer, fci.byteOffset, fci.byteLength);
  const statuses = readStatuses(view, count);
  if (!statuses) return undefined;
  const offsetsUs = readOffsets(view, statuses.next, statuses.symbols);
  if (!offsetsUs) return undefined;
  const time = view.getUint32(4);
  return { baseSequence: view.getUint16(0), referenceTime: time >>> 8, feedbackCount: time & 0xff, offsetsUs };
}

/** Expands run-length (3.1.3) and status-vector (3.1.4) chunks until `count` packets have a status. */
function readStatuses(view: DataView, count: number): { symbols: Uint8Array; next: number } | undefined {
  const symbols = new Uint8Array(count);
  let filled = 0;
  let next = HEADER_BYTES;
  while (filled < count) {
    if (next + 2 > view.byteLength) return undefined;
    const chunk = view.getUint16(next);
    next += 2;
    if ((chunk & 0x8000) === 0) {
      const run = Math.min(chunk & 0x1fff, count - filled);
      if (run === 0) return undefined;
      symbols.fill((chunk >> 13) & 3, filled, filled + run);
      filled += run;
      continue;
    }
    const bits = (chunk & 0x4000) === 0 ? 1 : 2;
    for (let shift = 14 - bits; shift >= 0 && filled < count; shift -= bits) {
      symbols[filled++] = (chunk >> shift) & (bits === 1 ? 1 : 3);
    }
  }
  return { symbols, next };
}

function readOffsets(view: DataView, start: number, symbols: Uint8Array): (number | undefined)[] | undefined {
  const offsetsUs: (number | undefined)[] = [];
  let next = start;
  let offsetUs = 0;
  for (const symbol of symbols) {
    if (symbol === NOT_RECEIVED) {
      offsetsUs.push(undefined);
      continue;
    }
    const bytes = symbol === SMALL_DELTA ? 1 : symbol === LARGE_DELTA ? 2 : undefined;
    if (bytes === undefined || next + bytes > view.byteLength) return undefined;
    offsetUs += DELTA_UNIT_US * (bytes === 1 ? view.getUint8(next) : view.getInt16(next));
    next += bytes;
    offsetsUs.push(offsetUs);
  }
  return offsetsUs;
}

/** Turns feedback messages into results with unwrapped numbers on one continuous receiver clock. */
export class TwccReader {
  #referenceTime: number | undefined;

  /**
   * @param lastSentSequence unwrapped number of the newest packet sent; feedback is about packets near it
   * @returns undefined when it is malformed or reports a packet never sent or no longer held
   */
  read(fci: Uint8Array, lastSentSequence: number): TransportFeedback | undefined {
    const count = packetsTold(fci);
    if (count === 0 || count > Math.min(IN_FLIGHT_MAX, lastSentSequence + 1)) return undefined;
    const base = unwrap16((fci[0]! << 8) | fci[1]!, lastSentSequence);
    const end = base + count - 1;
    if (base < 0 || end > lastSentSequence || end <= lastSentSequence - IN_FLIGHT_MAX) return undefined;
    const message = parseTwcc(fci);
    if (!message) return undefined;
    const { referenceTime } = message;
    this.#referenceTime =
      this.#referenceTime === undefined
        ? referenceTime
        : unwrapBits(referenceTime, this.#referenceTime, REFERENCE_BITS);
    const originUs = this.#referenceTime * REFERENCE_UNIT_US;
    const packets = message.offsetsUs.map((offsetUs, index): PacketResult => ({
      sequence: base + index,
      arrivedAtUs: offsetUs === undefined ? undefined : originUs + offsetUs,
    }));
    return { packets };
  }
}
