/**
 * Parses compound RTCP into a typed list: reports (RFC 3550), feedback (RFC 4585, RFC 5104), REMB
 * (draft-alvestrand-rmcat-remb-03) and transport-wide feedback. Input comes from the network: malformed parts are
 * skipped, earlier parts stay, and nothing throws.
 */
import { LIMITS } from '../../limits.ts';

export interface ReportBlock {
  /** The stream that the block reports on. */
  ssrc: number;
  /** Since the last report, 0…1. */
  fractionLost: number;
  cumulativeLost: number;
  /** Extended highest sequence number received. */
  highestSequence: number;
  /** RTP timestamp units. */
  jitter: number;
  /** Middle 32 bits of the NTP time of the last sender report received; 0: none yet. */
  lastSenderReport: number;
  /** Time since then, in 1/65536 s. */
  delaySinceLastSenderReport: number;
}

export type RtcpItem =
  /** `ntpMiddle`: the middle 32 bits of its NTP time. */
  | { type: 'senderReport'; ssrc: number; ntpMiddle: number; rtpTimestamp: number; blocks: ReportBlock[] }
  | { type: 'receiverReport'; ssrc: number; blocks: ReportBlock[] }
  | { type: 'nack'; mediaSsrc: number; sequences: number[] }
  | { type: 'pli'; mediaSsrc: number }
  | { type: 'fir'; entries: { ssrc: number; commandSequence: number }[] }
  | { type: 'remb'; bitrateBps: number; ssrcs: number[] }
  /** congestion/feedback/twcc.ts parses `fci`. */
  | { type: 'transportFeedback'; mediaSsrc: number; fci: Uint8Array }
  | { type: 'bye'; ssrcs: number[] };

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const BYE = 203;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const FORMAT_NACK = 1;
const FORMAT_TRANSPORT_WIDE = 15;
const FORMAT_PLI = 1;
const FORMAT_FIR = 4;
const FORMAT_APPLICATION = 15;

const HEADER_BYTES = 4;
const BLOCK_BYTES = 24;
const SENDER_INFO_BYTES = 20;
/** Packets that one compound may request: as many as the history holds. Further ones can be requested again. */
const NACK_SEQUENCES_MAX = LIMITS.rtpHistoryPackets;
/** Items read from one compound; a browser sends a handful. */
const ITEMS_MAX = 64;
/** 'REMB' in ASCII. */
const REMB = 0x52_45_4d_42;

export function parseRtcp(packet: Uint8Array): RtcpItem[] {
  const items: RtcpItem[] = [];
  let at = 0;
  let nacksLeft = NACK_SEQUENCES_MAX;
  while (at + HEADER_BYTES <= packet.length && items.length < ITEMS_MAX) {
    const first = packet[at]!;
    const bytes = HEADER_BYTES + 4 * ((packet[at + 2]! << 8) | packet[at + 3]!);
    if (first >> 6 !== 2 || at + bytes > packet.length) break;
    const padding = (first & 0x20) === 0 ? 0 : packet[at + bytes - 1]!;
    const end = bytes - padding;
    if (end >= HEADER_BYTES) {
      const body = packet.subarray(at + HEADER_BYTES, at + end);
      const item = parseOne(packet[at + 1]!, first & 31, body, nacksLeft);
      if (item?.type === 'nack') nacksLeft -= item.sequences.length;
      if (item) items.push(item);
    }
    at += bytes;
  }
  return items;
}

/** @param body the item after its four-byte header. @param count report count, source count or feedback format. */
function parseOne(packetType: number, count: number, body: Uint8Array, nacksLeft: number): RtcpItem | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  switch (packetType) {
    case SENDER_REPORT: {
      const blocks = reportBlocks(view, 4 + SENDER_INFO_BYTES, count);
      if (!blocks) return undefined;
      const [ssrc, ntpMiddle, rtpTimestamp] = [view.getUint32(0), view.getUint32(6), view.getUint32(12)];
      return { type: 'senderReport', ssrc, ntpMiddle, rtpTimestamp, blocks };
    }
    case RECEIVER_REPORT: {
      const blocks = reportBlocks(view, 4, count);
      return blocks && { type: 'receiverReport', ssrc: view.getUint32(0), blocks };
    }
    case BYE:
      return view.byteLength < 4 * count ? undefined : { type: 'bye', ssrcs: words(view, 0, count) };
    case TRANSPORT_FEEDBACK:
      return view.byteLength < 8 ? undefined : transportFeedback(count, view, body, nacksLeft);
    case PAYLOAD_FEEDBACK:
      return view.byteLength < 8 ? undefined : payloadFeedback(count, view);
    default:
      return undefined;
  }
}

function reportBlocks(view: DataView, start: number, count: number): ReportBlock[] | undefined {
  if (view.byteLength < start + count * BLOCK_BYTES) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * BLOCK_BYTES;
    return {
      ssrc: view.getUint32(at),
      fractionLost: view.getUint8(at + 4) / 256,
      cumulativeLost: (view.getInt8(at + 5) << 16) | view.getUint16(at + 6),
      highestSequence: view.getUint32(at + 8),
      jitter: view.getUint32(at + 12),
      lastSenderReport: view.getUint32(at + 16),
      delaySinceLastSenderReport: view.getUint32(at + 20),
    };
  });
}

function transportFeedback(format: number, view: DataView, body: Uint8Array, nacksLeft: number): RtcpItem | undefined {
  const mediaSsrc = view.getUint32(4);
  if (format === FORMAT_TRANSPORT_WIDE) return { type: 'transportFeedback', mediaSsrc, fci: body.subarray(8) };
  if (format !== FORMAT_NACK) return undefined;
  const sequences: number[] = [];
  for (let at = 8; at + 4 <= view.byteLength && sequences.length < nacksLeft; at += 4) {
    const first = view.getUint16(at);
    const following = view.getUint16(at + 2);
    sequences.push(first);
    for (let bit = 0; bit < 16; bit++) {
      if ((following >> bit) & 1) sequences.push((first + 1 + bit) & 0xffff);
    }
  }
  return { type: 'nack', mediaSsrc, sequences: sequences.slice(0, nacksLeft) };
}

function payloadFeedback(format: number, view: DataView): RtcpItem | undefined {
  if (format === FORMAT_PLI) return { type: 'pli', mediaSsrc: view.getUint32(4) };
  if (format === FORMAT_FIR) {
    const entries = [];
    for (let at = 8; at + 8 <= view.byteLength; at += 8) {
      entries.push({ ssrc: view.getUint32(at), commandSequence: view.getUint8(at + 4) });
    }
    return { type: 'fir', entries };
  }
  if (format !== FORMAT_APPLICATION || view.byteLength < 16 || view.getUint32(8) !== REMB) return undefined;
  const count = view.getUint8(12);
  if (view.byteLength < 16 + 4 * count) return undefined;
  const exponent = view.getUint8(13) >> 2;
  const mantissa = ((view.getUint8(13) & 3) << 16) | view.getUint16(14);
  return { type: 'remb', bitrateBps: mantissa * 2 ** exponent, ssrcs: words(view, 16, count) };
}

const words = (view: DataView, start: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => view.getUint32(start + 4 * index));
