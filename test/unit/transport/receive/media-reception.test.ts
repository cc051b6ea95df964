import { describe, expect, it } from 'vitest';
import { MediaReception } from '../../../../src/transport/receive/media-reception.ts';
import { parseRtcp } from '../../../../src/transport/rtcp/rtcp.ts';
import { buildRtp } from '../../../support/rtp-builder.ts';
import { asRtx, RtpSender } from '../../../support/rtp-sender.ts';

const MS = 1_000;
const VIDEO = { codec: 'VP8', payloadType: 96, rtxPayloadType: 97 } as const;
const FEEDBACK = { nack: true, pli: true, fir: true, transportCc: true };
const LIMITS = { pixels: 1920 * 1088, sidePx: 4096, frameBytes: 1 << 20, packets: 1_024, bytes: 1 << 21 };
const OPUS = 111;
const RTX = { payloadType: 97, ssrc: 2, sequenceNumber: 0 };

const receiver = (feedback = FEEDBACK) =>
  new MediaReception({
    inbound: {
      video: { ...VIDEO, feedback },
      audio: { payloadType: OPUS },
      transportWideCc: 3,
      reportSsrc: 9,
      cname: 'me',
    },
    limits: LIMITS,
  });
const kinds = (packet: Uint8Array | undefined): string[] => (packet ? parseRtcp(packet) : []).map(({ type }) => type);

describe('MediaReception', () => {
  it('repairs by RTX what it has asked for', () => {
    const media = receiver();
    const [first, second] = [new RtpSender('VP8').frame(200, true), undefined];
    expect(second).toBeUndefined();
    const [lost, ...rest] = first.packets.slice(1);
    for (const packet of [first.packets[0]!, ...rest]) media.onRtp(packet, 0);
    expect(media.takeFrames(0)).toEqual([]);
    expect(kinds(media.takeRtcp(0))).toContain('receiverReport');
    const nack = parseRtcp(media.takeRtcp(10 * MS)!).find(({ type }) => type === 'nack');
    expect(nack).toEqual({ type: 'nack', mediaSsrc: 1, sequences: [1] });
    media.onRtp(asRtx(lost!, RTX), 40 * MS);
    expect(media.takeFrames(40 * MS)).toHaveLength(1);
    expect(media.stats).toMatchObject({ repaired: 1, nacks: 1, frames: 1, keyframes: 1 });
  });

  it('takes padding on the RTX stream for padding', () => {
    const media = receiver();
    media.onRtp(new RtpSender('VP8').frame(50, true).packets[0]!, 0);
    media.onRtp(buildRtp({ payloadType: 97, ssrc: 2, padding: 200 }), 0);
    expect(media.stats.repaired).toBe(0);
  });

  it('asks by FIR where the sender knows no PLI', () => {
    const media = receiver({ ...FEEDBACK, pli: false });
    media.onRtp(new RtpSender('VP8').frame(50).packets[0]!, 0);
    expect(kinds(media.takeRtcp(0))).toContain('fir');
  });

  it('drops a second source and unknown payload types, and keeps nothing for them', () => {
    const media = receiver();
    media.onRtp(new RtpSender('VP8').frame(50, true).packets[0]!, 0);
    for (let ssrc = 10; ssrc < 300; ssrc++) media.onRtp(buildRtp({ ssrc, payload: Uint8Array.of(0x10, 0) }), MS);
    media.onRtp(buildRtp({ payloadType: 45, payload: Uint8Array.of(1) }), MS);
    media.onRtp(Buffer.from('garbage'), MS);
    expect(media.stats.refused).toBe(292);
    expect(media.takeFrames(MS)).toHaveLength(1);
  });

  it('goes on with another source after the first fell silent', () => {
    const media = receiver();
    media.onRtp(new RtpSender('VP8').frame(50, true).packets[0]!, 0);
    media.takeFrames(0);
    const other = new RtpSender('VP8').frame(50, true).packets[0]!;
    other.writeUInt32BE(77, 8);
    media.onRtp(other, 3_000 * MS);
    expect(media.takeFrames(3_000 * MS)).toHaveLength(1);
  });

  it('reports each second, and transport-wide feedback twenty times as often', () => {
    const media = receiver();
    const count = { receiverReport: 0, transportFeedback: 0 };
    const sender = new RtpSender('VP8');
    let sequence = 0;
    for (let ms = 0; ms < 3_000; ms += 10) {
      const { packets } = sender.frame(20, ms === 0);
      const extension = Uint8Array.of(sequence >> 8, sequence & 0xff);
      sequence += 1;
      const payload = packets[0]!.subarray(12);
      const sequenceNumber = packets[0]!.readUInt16BE(2);
      media.onRtp(
        buildRtp({ sequenceNumber, rtpTimestamp: ms * 90, marker: true, payload, extensions: [[3, extension]] }),
        ms * MS,
      );
      for (const item of parseRtcp(media.takeRtcp(ms * MS) ?? new Uint8Array(0))) {
        if (item.type === 'receiverReport') count.receiverReport += item.blocks.length;
        if (item.type === 'transportFeedback') count.transportFeedback += 1;
      }
    }
    expect(count).toEqual({ receiverReport: 3, transportFeedback: 60 });
  });

  it('answers a sender report with its time and the delay since', () => {
    const media = receiver();
    media.onRtp(new RtpSender('VP8').frame(50, true).packets[0]!, 0);
    media.onSenderReport(1, 0x1234_5678, 500 * MS);
    const [report] = parseRtcp(media.takeRtcp(1_000 * MS)!);
    expect(report).toMatchObject({ blocks: [{ lastSenderReport: 0x1234_5678, delaySinceLastSenderReport: 32_768 }] });
  });

  it('hands out Opus packets in order and tells what never came', () => {
    const media = receiver();
    const opus = (sequenceNumber: number) =>
      buildRtp({
        payloadType: OPUS,
        ssrc: 5,
        sequenceNumber,
        rtpTimestamp: sequenceNumber * 960,
        payload: Uint8Array.of(sequenceNumber),
      });
    media.onRtp(opus(0), 0);
    media.onRtp(opus(2), MS);
    media.onRtp(opus(1), 2 * MS);
    media.onRtp(opus(5), 3 * MS);
    expect(media.takeAudio(3 * MS).map(({ data }) => data[0])).toEqual([0, 1, 2]);
    expect(media.nextUs).toBeLessThanOrEqual(63 * MS);
    expect(media.takeAudio(63 * MS)).toMatchObject([{ lostBefore: 2, rtpTimestamp: 5 * 960 }]);
  });
});
