/**
 * Sender reports with their CNAME (RFC 3550 sections 6.4.1 and 6.5), and the round trip time from report blocks. NTP
 * time is a 32.32 fixed-point number of seconds since 1900.
 */
import type { ReportBlock } from './rtcp.ts';

/** Seconds from 1900 to 1970. */
const NTP_UNIX_OFFSET_S = 2_208_988_800;
const REPORT_BYTES = 28;
const MAX_RTT_MS = 60_000;

export interface SenderReport {
  ssrc: number;
  /** Unix time. */
  wallMs: number;
  /** Media time of the same instant, 32 bits. */
  rtpTimestamp: number;
  packetCount: number;
  /** Payload bytes without headers and padding. */
  octetCount: number;
  /** ASCII, at most 255 characters. */
  cname: string;
}

/** Unix time as the two 32-bit words of an NTP timestamp. */
export function ntpOf(wallMs: number): { seconds: number; fraction: number } {
  const unixSeconds = Math.floor(wallMs / 1_000);
  const fraction = Math.floor(((wallMs - unixSeconds * 1_000) / 1_000) * 2 ** 32);
  return { seconds: (unixSeconds + NTP_UNIX_OFFSET_S) % 2 ** 32, fraction };
}

/** One compound packet: SR and SDES. */
export function buildSenderReport(report: SenderReport): Uint8Array {
  const { ssrc, wallMs, rtpTimestamp, packetCount, octetCount, cname } = report;
  // Item type, length, text, and at least one zero byte that ends the chunk on a word boundary.
  const chunkBytes = 4 + Math.ceil((2 + cname.length + 1) / 4) * 4;
  const packet = new Uint8Array(REPORT_BYTES + 4 + chunkBytes);
  const view = new DataView(packet.buffer);
  const { seconds, fraction } = ntpOf(wallMs);
  view.setUint16(0, (0x80 << 8) | 200);
  view.setUint16(2, REPORT_BYTES / 4 - 1);
  view.setUint32(4, ssrc);
  view.setUint32(8, seconds);
  view.setUint32(12, fraction);
  view.setUint32(16, rtpTimestamp >>> 0);
  view.setUint32(20, packetCount >>> 0);
  view.setUint32(24, octetCount >>> 0);
  view.setUint16(REPORT_BYTES, (0x81 << 8) | 202);
  view.setUint16(REPORT_BYTES + 2, chunkBytes / 4);
  view.setUint32(REPORT_BYTES + 4, ssrc);
  view.setUint8(REPORT_BYTES + 8, 1);
  view.setUint8(REPORT_BYTES + 9, cname.length);
  for (let index = 0; index < cname.length; index++) packet[REPORT_BYTES + 10 + index] = cname.charCodeAt(index);
  return packet;
}

/** Round trip from a report block (section 6.4.1), ms; undefined before it has seen our report, or when implausible. */
export function rttMsOf(block: ReportBlock, wallMs: number): number | undefined {
  if (block.lastSenderReport === 0) return undefined;
  const { seconds, fraction } = ntpOf(wallMs);
  const now = ((seconds & 0xffff) * 0x1_0000 + Math.floor(fraction / 0x1_0000)) >>> 0;
  const elapsed = (now - block.lastSenderReport - block.delaySinceLastSenderReport) | 0;
  const rttMs = (elapsed * 1_000) / 0x1_0000;
  // Both clocks tick in 1/65536 s: one tick below zero is rounding.
  if (rttMs < -1 || rttMs > MAX_RTT_MS) return undefined;
  return Math.max(0, rttMs);
}
