/**
 * Checks each SCTP packet before werift's association handles it: form, verification tag (RFC 9260 section 8.5) and
 * cost. Gap blocks must name sent TSNs; TSNs must fit a window with few gaps; streams, queues and chunks per second are
 * limited. Reads the association and never changes it.
 */
import { Budget } from '../../budget.ts';
import { tsnDistance, type SctpAssociation } from './association.ts';
import { CHUNK, readPacket, type SctpChunk } from './packet.ts';

/** `drop`: treat as lost. `fail`: the packet violates RFC 9260. */
export type SctpVerdict = 'take' | 'drop' | 'fail';

/** A message of the largest size whose first chunk is missing holds 84. */
const HELD_CHUNKS_MAX = 256;
const WINDOW_TSNS = 512;
/** Gaps in the received TSNs; each adds a block to every SACK we send. */
const HOLES_MAX = 16;
/** Streams that an association may ever use; a viewer uses one. */
const STREAMS_MAX = 64;
/** Our chunks queued or unacknowledged: the backlog limit of a slow reader is reached long before. */
const QUEUED_CHUNKS_MAX = 2_048;
/** Chunks other than DATA: each may cause a reply packet. */
const CONTROL_CHUNKS_MAX = 4;
/** A viewer that uploads at full speed sends some hundred a second. */
const CHUNKS_PER_SECOND = { perSecond: 1_000, burst: 2_000 };

const INIT_BYTES = 16;
const SACK_BYTES = 12;
const DATA_BYTES = 12;
const FORWARD_TSN_BYTES = 4;
const KNOWN: ReadonlySet<number> = new Set(Object.values(CHUNK));

export class SctpGuard {
  readonly #association: SctpAssociation;
  readonly #budget = new Budget(CHUNKS_PER_SECOND);
  readonly #streams = new Set<number>();

  constructor(association: SctpAssociation) {
    this.#association = association;
  }

  judge(bytes: Buffer, nowUs: number): SctpVerdict {
    const packet = readPacket(bytes);
    if (packet === undefined) return 'fail';
    const { verificationTag, chunks } = packet;
    const begins = chunks.some(({ type }) => type === CHUNK.init);
    if (begins && chunks.length > 1) return 'fail';
    if (verificationTag !== (begins ? 0 : this.#association.localVerificationTag)) return 'drop';
    // RFC 9260 section 3.2: a packet with an unknown chunk is discarded.
    if (!chunks.every(({ type }) => KNOWN.has(type))) return 'drop';
    if (!begins && this.#association.lastReceivedTsn === undefined) return 'drop';
    if (!this.#budget.take(chunks.length, nowUs)) return 'drop';
    if (this.#queued > QUEUED_CHUNKS_MAX) return 'fail';
    return this.#judgeChunks(chunks);
  }

  #judgeChunks(chunks: readonly SctpChunk[]): SctpVerdict {
    const data = chunks.filter(({ type }) => type === CHUNK.data);
    if (chunks.length - data.length > CONTROL_CHUNKS_MAX) return 'fail';
    if (chunks.filter(({ type }) => type === CHUNK.sack).length > 1) return 'fail';
    if (!chunks.every((chunk) => this.#isWellFormed(chunk))) return 'fail';
    if (this.#streams.size > STREAMS_MAX) return 'fail';
    return data.length === 0 ? 'take' : this.#judgeData(data);
  }

  #isWellFormed({ type, body }: SctpChunk): boolean {
    switch (type) {
      case CHUNK.data:
        if (body.length <= DATA_BYTES) return false;
        this.#streams.add(body.readUInt16BE(4));
        return true;
      case CHUNK.init:
        return body.length >= INIT_BYTES;
      case CHUNK.sack:
        return this.#isSack(body);
      case CHUNK.forwardTsn:
        return this.#isForwardTsn(body);
      case CHUNK.shutdown:
        return body.length === 4;
      default:
        return true;
    }
  }

  /** RFC 9260 section 3.3.4: blocks in order, none beyond what was sent. */
  #isSack(body: Buffer): boolean {
    if (body.length < SACK_BYTES) return false;
    const { lastSackedTsn, localTsn } = this.#association;
    const cumulative = body.readUInt32BE(0);
    const sentBeyond = tsnDistance(cumulative, localTsn) - 1;
    // The association itself ignores an old, reordered SACK.
    if (sentBeyond < 0) return false;
    const [gaps, duplicates] = [body.readUInt16BE(8), body.readUInt16BE(10)];
    if (body.length < SACK_BYTES + 4 * (gaps + duplicates)) return false;
    if (tsnDistance(lastSackedTsn, cumulative) < 0) return true;
    let end = 0;
    for (let gap = 0; gap < gaps; gap++) {
      const start = body.readUInt16BE(SACK_BYTES + 4 * gap);
      if (start <= end) return false;
      end = body.readUInt16BE(SACK_BYTES + 4 * gap + 2);
      if (end < start || end > sentBeyond) return false;
    }
    return true;
  }

  #isForwardTsn(body: Buffer): boolean {
    if (body.length < FORWARD_TSN_BYTES || (body.length - FORWARD_TSN_BYTES) % 4 !== 0) return false;
    const ahead = tsnDistance(this.#association.lastReceivedTsn ?? 0, body.readUInt32BE(0));
    if (ahead > WINDOW_TSNS) return false;
    for (let at = FORWARD_TSN_BYTES; at < body.length; at += 4) this.#streams.add(body.readUInt16BE(at));
    return true;
  }

  /** RFC 9260 section 6.2: data outside the window, or that opens a gap too many, counts as not received. */
  #judgeData(data: readonly SctpChunk[]): SctpVerdict {
    const { advertisedRwnd, inboundStreams, lastReceivedTsn = 0, sackMisOrdered: held } = this.#association;
    const bytes = data.reduce((sum, { body }) => sum + body.length - DATA_BYTES, 0);
    const waiting = Object.values(inboundStreams).reduce((sum, { reassembly }) => sum + reassembly.length, 0);
    // A message without an end, larger than any we accept.
    if (bytes > advertisedRwnd || waiting > HELD_CHUNKS_MAX) return 'fail';
    // Another INIT moves the window, but TSNs beyond an old gap stay held.
    if (held.size > WINDOW_TSNS) return 'fail';
    let holesLeft = HOLES_MAX - holesIn(held);
    let previous: number | undefined;
    for (const { body } of data) {
      const tsn = body.readUInt32BE(0);
      const ahead = tsnDistance(lastReceivedTsn, tsn);
      if (ahead > WINDOW_TSNS) return 'drop';
      const before = (tsn - 1) >>> 0;
      const joins = ahead <= 1 || before === previous || [before, tsn, (tsn + 1) >>> 0].some((near) => held.has(near));
      if (!joins && --holesLeft < 0) return 'drop';
      previous = tsn;
    }
    return 'take';
  }

  get #queued(): number {
    return this.#association.outboundQueue.length + this.#association.sentQueue.length;
  }
}

/** Number of runs of TSNs, each after a gap. */
function holesIn(held: ReadonlySet<number>): number {
  let holes = 0;
  for (const tsn of held) if (!held.has((tsn - 1) >>> 0)) holes += 1;
  return holes;
}
