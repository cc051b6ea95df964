import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/limits.ts';
import { parseRtcp } from '../../../src/transport/rtcp/rtcp.ts';
import { buildSenderReport, ntpOf, rttMsOf } from '../../../src/transport/rtcp/sender-report.ts';
import {
  fir,
  joined,
  nack,
  pli,
  receiverReport,
  remb,
  rtcpPacket,
  transportFeedback,
} from '../../../bench/support/wire/rtcp-builder.ts';

const SSRC = 0xdead_beef;

describe('parseRtcp', () => {
  it('reads a compound of everything a browser sends', () => {
    const compound = joined(
      receiverReport({ ssrc: SSRC, fractionLost: 64, lastSenderReport: 7, delaySinceLastSenderReport: 9 }),
      pli(SSRC),
      fir(SSRC, 3),
      nack(SSRC, [[65_534, 0b101]]),
      remb(1_234_000, SSRC),
      transportFeedback(SSRC, Uint8Array.of(0, 1, 0, 1, 0, 0, 0, 0, 0x20, 0x01, 0x04)),
      rtcpPacket(203, 1, [0xde, 0xad, 0xbe, 0xef]),
    );
    const items = parseRtcp(compound);
    expect(items.map((item) => item.type)).toEqual([
      'receiverReport',
      'pli',
      'fir',
      'nack',
      'remb',
      'transportFeedback',
      'bye',
    ]);
    expect(items[0]).toMatchObject({ blocks: [{ ssrc: SSRC, fractionLost: 0.25, lastSenderReport: 7 }] });
    expect(items[2]).toMatchObject({ entries: [{ ssrc: SSRC, commandSequence: 3 }] });
    expect(items[3]).toMatchObject({ sequences: [65_534, 65_535, 1] });
    expect((items[4] as { bitrateBps: number }).bitrateBps).toBeCloseTo(1_234_000, -2);
    expect((items[5] as { fci: Uint8Array }).fci).toHaveLength(11);
  });

  it('keeps what came before a packet that is cut off', () => {
    const compound = joined(pli(SSRC), nack(SSRC, [[1, 0]]));
    expect(parseRtcp(compound.subarray(0, compound.length - 2)).map((item) => item.type)).toEqual(['pli']);
  });

  it('reads no more NACKs from one compound than packets are kept', () => {
    const everything = nack(
      SSRC,
      Array.from({ length: 297 }, (_, index) => [index, 0xffff]),
    );
    const items = parseRtcp(joined(everything, everything, pli(SSRC)));
    const asked = items.flatMap((item) => (item.type === 'nack' ? item.sequences : []));
    expect(asked).toHaveLength(LIMITS.rtpHistoryPackets);
    expect(items.at(-1)?.type).toBe('pli');
  });

  it('reads a negative cumulative loss', () => {
    const report = receiverReport({ ssrc: SSRC, lastSenderReport: 0, delaySinceLastSenderReport: 0 });
    report.set([0xff, 0xff, 0xfe], 13);
    expect(parseRtcp(report)).toMatchObject([{ blocks: [{ cumulativeLost: -2 }] }]);
  });
});

describe('sender reports', () => {
  it('write the NTP fraction in binary', () => {
    expect(ntpOf(0)).toEqual({ seconds: 2_208_988_800, fraction: 0 });
    expect(ntpOf(500)).toEqual({ seconds: 2_208_988_800, fraction: 2 ** 31 });
    expect(ntpOf(1_250).fraction).toBe(2 ** 30);
  });

  it('are a compound of SR and SDES with whole words', () => {
    for (const cname of ['a', 'ab', 'abcdef', 'abcdefghi']) {
      const fields = { ssrc: SSRC, wallMs: 1e12, rtpTimestamp: 2 ** 32 - 1, packetCount: 5, octetCount: 600 };
      const packet = buildSenderReport({ ...fields, cname });
      expect(packet.length % 4).toBe(0);
      expect(parseRtcp(packet)).toMatchObject([{ type: 'senderReport', ssrc: SSRC, blocks: [] }]);
      expect(packet[29]).toBe(202);
      expect(String.fromCharCode(...packet.subarray(38, 38 + packet[37]!))).toBe(cname);
      expect(packet.at(-1)).toBe(0);
    }
  });

  it('tell the round trip when they come back', () => {
    const sentWallMs = 1_800_000_000_123;
    const { seconds, fraction } = ntpOf(sentWallMs);
    const lastSenderReport = (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
    const delaySinceLastSenderReport = Math.round(0.4 * 65_536);
    const [report] = parseRtcp(receiverReport({ ssrc: SSRC, lastSenderReport, delaySinceLastSenderReport }));
    const block = report?.type === 'receiverReport' ? report.blocks[0]! : undefined;
    expect(rttMsOf(block!, sentWallMs + 437)).toBeCloseTo(37, 0);
    expect(rttMsOf(block!, sentWallMs + 100)).toBeUndefined();
    expect(rttMsOf({ ...block!, lastSenderReport: 0 }, sentWallMs)).toBeUndefined();
  });
});
