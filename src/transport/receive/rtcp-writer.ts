/**
 * RTCP as a receiver writes it: reports and CNAME (RFC 3550 sections 6.4.2 and 6.5), NACK and PLI (RFC 4585), FIR
 * (RFC 5104), transport-wide feedback. Pure.
 */
import type { ReportBlock } from '../rtcp/rtcp.ts';

const HEADER_BYTES = 4;
const BLOCK_BYTES = 24;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
/** Numbers after the first that one NACK entry names. */
const FOLLOWING = 16;

/** A report with any number of blocks up to 31, and the CNAME that makes it a whole compound. */
export function writeReceiverReport(senderSsrc: number, blocks: readonly ReportBlock[], cname: string): Uint8Array {
  const body = new Uint8Array(4 + BLOCK_BYTES * blocks.length);
  const view = new DataView(body.buffer);
  view.setUint32(0, senderSsrc);
  for (const [index, block] of blocks.entries()) {
    const at = 4 + BLOCK_BYTES * index;
    view.setUint32(at, block.ssrc);
    view.setUint8(at + 4, Math.floor(block.fractionLost * 256));
    view.setUint8(at + 5, (block.cumulativeLost >> 16) & 0xff);
    view.setUint16(at + 6, block.cumulativeLost & 0xffff);
    view.setUint32(at + 8, block.highestSequence);
    view.setUint32(at + 12, block.jitter);
    view.setUint32(at + 16, block.lastSenderReport);
    view.setUint32(at + 20, block.delaySinceLastSenderReport);
  }
  return joined([packet(RECEIVER_REPORT, blocks.length, body), describe(senderSsrc, cname)]);
}

/** @param sequences ascending; their low 16 bits are written */
export function writeNack(senderSsrc: number, mediaSsrc: number, sequences: readonly number[]): Uint8Array {
  const entries: [first: number, following: number][] = [];
  for (const sequence of sequences) {
    const last = entries.at(-1);
    const ahead = last === undefined ? Infinity : sequence - last[0];
    if (last !== undefined && ahead >= 1 && ahead <= FOLLOWING) last[1] |= 1 << (ahead - 1);
    else entries.push([sequence, 0]);
  }
  const body = new Uint8Array(8 + 4 * entries.length);
  const view = ssrcs(body, senderSsrc, mediaSsrc);
  for (const [index, [first, following]] of entries.entries()) {
    view.setUint16(8 + 4 * index, first & 0xffff);
    view.setUint16(10 + 4 * index, following);
  }
  return packet(TRANSPORT_FEEDBACK, 1, body);
}

export function writePli(senderSsrc: number, mediaSsrc: number): Uint8Array {
  const body = new Uint8Array(8);
  ssrcs(body, senderSsrc, mediaSsrc);
  return packet(PAYLOAD_FEEDBACK, 1, body);
}

/** @param commandSequence 8 bits; a new number is a new request */
export function writeFir(senderSsrc: number, mediaSsrc: number, commandSequence: number): Uint8Array {
  const body = new Uint8Array(16);
  const view = ssrcs(body, senderSsrc, 0);
  view.setUint32(8, mediaSsrc);
  view.setUint8(12, commandSequence & 0xff);
  return packet(PAYLOAD_FEEDBACK, 4, body);
}

/** @param feedback feedback control information of `ArrivalLog` */
export function writeTransportFeedback(senderSsrc: number, mediaSsrc: number, feedback: Uint8Array): Uint8Array {
  const padding = (4 - (feedback.length % 4)) % 4;
  const body = new Uint8Array(8 + feedback.length + padding);
  ssrcs(body, senderSsrc, mediaSsrc);
  body.set(feedback, 8);
  const whole = packet(TRANSPORT_FEEDBACK, 15, body);
  if (padding === 0) return whole;
  whole[0]! |= 0x20;
  whole[whole.length - 1] = padding;
  return whole;
}

export function joined(packets: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(packets.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of packets) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function describe(ssrc: number, cname: string): Uint8Array {
  // Item type, length, text, and at least one zero byte that ends the chunk on a word boundary.
  const body = new Uint8Array(4 + Math.ceil((2 + cname.length + 1) / 4) * 4);
  new DataView(body.buffer).setUint32(0, ssrc);
  body.set([1, cname.length], 4);
  for (let index = 0; index < cname.length; index++) body[6 + index] = cname.charCodeAt(index);
  return packet(SOURCE_DESCRIPTION, 1, body);
}

function ssrcs(body: Uint8Array, senderSsrc: number, mediaSsrc: number): DataView {
  const view = new DataView(body.buffer);
  view.setUint32(0, senderSsrc);
  view.setUint32(4, mediaSsrc);
  return view;
}

/** @param body a whole number of words */
function packet(type: number, count: number, body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(HEADER_BYTES + body.length);
  whole.set([0x80 | count, type, body.length >> 10, (body.length >> 2) & 0xff]);
  whole.set(body, HEADER_BYTES);
  return whole;
}
