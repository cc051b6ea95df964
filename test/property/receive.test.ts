/** The receive path: what was sent comes out whole, once and in order, and what it writes is what a sender reads. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TwccReader } from '../../src/congestion/feedback/twcc.ts';
import { annexB } from '../../src/media/encode/annex-b.ts';
import type { VideoCodec } from '../../src/media/encode/encoder.ts';
import { ArrivalLog } from '../../src/transport/receive/arrival-log.ts';
import { H264Depacketizer } from '../../src/transport/receive/h264-depacketizer.ts';
import { writeNack, writeReceiverReport } from '../../src/transport/receive/rtcp-writer.ts';
import { findExtension, parseRtp } from '../../src/transport/receive/rtp-packet.ts';
import { VideoReception, type ReceivedFrame } from '../../src/transport/receive/video-reception.ts';
import { Vp8Depacketizer } from '../../src/transport/receive/vp8-depacketizer.ts';
import { parseRtcp } from '../../src/transport/rtcp/rtcp.ts';
import { packetizeH264 } from '../../src/transport/rtp/h264.ts';
import { packetizeVp8 } from '../../src/transport/rtp/vp8.ts';
import { joinedPayloads } from '../support/depacketizer.ts';
import { buildRtp } from '../support/rtp-builder.ts';
import { PPS, RtpSender, SPS, type SentFrame } from '../support/rtp-sender.ts';

const LIMITS = { pixels: 1920 * 1088, sidePx: 4096, frameBytes: 1 << 20, packets: 1_024, bytes: 1 << 21 };
const codec = fc.constantFrom<VideoCodec>('VP8', 'H264');
const bytes = (maxLength: number, minLength = 0) => fc.uint8Array({ minLength, maxLength });

describe('parseRtp', () => {
  const fields = fc.record({
    payloadType: fc.nat(127),
    marker: fc.boolean(),
    sequenceNumber: fc.nat(65_535),
    rtpTimestamp: fc.nat(2 ** 32 - 1),
    ssrc: fc.nat(2 ** 32 - 1),
    sources: fc.array(fc.nat(2 ** 32 - 1), { maxLength: 15 }),
    extensions: fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 14 }), bytes(16, 1)), {
      selector: ([id]) => id,
      maxLength: 8,
    }),
    form: fc.constantFrom<'oneByte' | 'twoByte'>('oneByte', 'twoByte'),
    payload: bytes(100),
    padding: fc.nat(255),
  });

  it('reads every field that was written', () => {
    fc.assert(
      fc.property(fields, (written) => {
        const read = parseRtp(buildRtp(written))!;
        const { payloadType, marker, sequenceNumber, rtpTimestamp, ssrc } = written;
        expect(read).toMatchObject({ payloadType, marker, sequenceNumber, rtpTimestamp, ssrc });
        expect([...read.payload]).toEqual([...written.payload]);
        for (const [id, value] of written.extensions)
          expect([...findExtension(read.extensions, id)!]).toEqual([...value]);
      }),
    );
  });
});

describe('depacketizers', () => {
  it('give back every VP8 frame', () => {
    fc.assert(
      fc.property(bytes(5_000, 1), fc.nat(), fc.integer({ min: 20, max: 1_120 }), (frame, id, max) => {
        const depacketizer = new Vp8Depacketizer();
        const pushed = joinedPayloads(packetizeVp8(frame, id, max)).every((payload) => depacketizer.push(payload));
        expect(pushed).toBe(true);
        expect(depacketizer.finish()).toEqual({ data: frame, keyframe: (frame[0]! & 1) === 0 });
      }),
    );
  });

  it('give back every H.264 access unit', () => {
    const unit = (type: number) =>
      bytes(3_000, 1).map((body) => Uint8Array.from([0x60 | type, ...body.map((b) => b | 1)]));
    const units = fc.tuple(unit(7), unit(8), fc.array(fc.constantFrom(1, 5).chain(unit), { minLength: 1 }));
    fc.assert(
      fc.property(units, fc.integer({ min: 20, max: 1_120 }), ([sps, pps, slices], max) => {
        const data = annexB([sps, pps, ...slices]);
        const depacketizer = new H264Depacketizer();
        const pushed = joinedPayloads(packetizeH264(data, max)).every((payload) => depacketizer.push(payload));
        expect(pushed).toBe(true);
        expect(depacketizer.finish()).toEqual({ data, keyframe: slices.some((slice) => (slice[0]! & 31) === 5) });
      }),
    );
  });
});

describe('ArrivalLog', () => {
  const arrivals = fc.array(
    fc.record({ lost: fc.boolean(), gapUs: fc.integer({ min: 0, max: 500_000 }), late: fc.nat(5) }),
    { minLength: 1, maxLength: 600 },
  );

  it('tells the time of every arrival, and of every loss that it is one', () => {
    fc.assert(
      fc.property(arrivals, fc.nat(65_535), fc.integer({ min: 1, max: 300 }), (packets, first, every) => {
        let nowUs = 5_000_000;
        const order = packets
          .map(({ lost, late }, index) => ({ sequence: first + index, lost, at: index + (index === 0 ? 0 : late) }))
          .toSorted((a, b) => a.at - b.at)
          .filter(({ lost, sequence }) => !lost || sequence === first || sequence === first + packets.length - 1);
        const log = new ArrivalLog();
        const reader = new TwccReader();
        const told = new Map<number, number | undefined>();
        const arrived = new Map<number, number>();
        const drain = () => {
          for (let fci = log.take(); fci; fci = log.take()) {
            const feedback = reader.read(fci, first + packets.length)!;
            for (const { sequence, arrivedAtUs } of feedback.packets) told.set(sequence, arrivedAtUs);
          }
        };
        for (const [index, { sequence }] of order.entries()) {
          nowUs += packets[index]!.gapUs;
          arrived.set(sequence, nowUs);
          log.onPacket(sequence & 0xffff, nowUs);
          if (index % every === 0) drain();
        }
        drain();
        for (let sequence = first; sequence < first + packets.length; sequence++) {
          const atUs = arrived.get(sequence);
          expect(told.has(sequence)).toBe(true);
          const heardUs = told.get(sequence);
          if (atUs === undefined) expect(heardUs).toBeUndefined();
          else expect(Math.abs(heardUs! - atUs)).toBeLessThanOrEqual(125);
        }
      }),
    );
  });
});

describe('RTCP of a receiver', () => {
  it('requests what a sender reads, across the wrap', () => {
    fc.assert(
      fc.property(fc.nat(65_535), fc.uniqueArray(fc.nat(400), { minLength: 1, maxLength: 60 }), (first, steps) => {
        const sequences = steps.toSorted((a, b) => a - b).map((step) => first + step);
        const [item] = parseRtcp(writeNack(1, 2, sequences));
        expect(item).toEqual({ type: 'nack', mediaSsrc: 2, sequences: sequences.map((sequence) => sequence & 0xffff) });
      }),
    );
  });

  it('reports what a sender reads', () => {
    const block = fc.record({
      ssrc: fc.nat(2 ** 32 - 1),
      fractionLost: fc.nat(255).map((part) => part / 256),
      cumulativeLost: fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }),
      highestSequence: fc.nat(2 ** 32 - 1),
      jitter: fc.nat(2 ** 32 - 1),
      lastSenderReport: fc.nat(2 ** 32 - 1),
      delaySinceLastSenderReport: fc.nat(2 ** 32 - 1),
    });
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 3 }),
        fc.string({ unit: 'grapheme-ascii', maxLength: 30 }),
        (blocks, name) => {
          const [item] = parseRtcp(writeReceiverReport(7, blocks, name));
          expect(item).toEqual({ type: 'receiverReport', ssrc: 7, blocks });
        },
      ),
    );
  });
});

/** Sends frames over a path that loses and reorders, and repairs what is asked for where it can. */
function receive(
  sent: readonly SentFrame[],
  kind: VideoCodec,
  plan: { lost: ReadonlySet<number>; late: number; repairs: boolean },
) {
  const reception = new VideoReception({ codec: kind, nack: true, limits: LIMITS });
  const packets = sent.flatMap((frame) => frame.packets);
  const bySequence = new Map(packets.map((packet) => [packet.readUInt16BE(2), packet]));
  const frames: ReceivedFrame[] = [];
  let nowUs = 1_000_000;
  let keyframeRequests = 0;
  const step = () => {
    frames.push(...reception.take(nowUs));
    if (reception.takeKeyframeRequest(nowUs)) keyframeRequests += 1;
    const asked = reception.takeNacks(nowUs);
    nowUs += 2_000;
    if (plan.repairs)
      for (const sequence of asked) reception.onPacket(parseRtp(bySequence.get(sequence & 0xffff)!)!, nowUs);
  };
  const order = packets
    .map((packet, index) => ({ packet, at: index + (index > 0 && index % 7 === 0 ? plan.late : 0), index }))
    .toSorted((a, b) => a.at - b.at);
  for (const { packet, index } of order) {
    nowUs += 1_000;
    if (!plan.lost.has(index)) reception.onPacket(parseRtp(packet)!, nowUs);
    step();
  }
  for (let round = 0; round < 500; round++) step();
  return { frames, keyframeRequests };
}

const whole = ({ data, keyframe, rtpTimestamp }: SentFrame | ReceivedFrame) => ({
  data: [...data],
  keyframe,
  rtpTimestamp,
});

describe('VideoReception', () => {
  const frames = fc.array(fc.record({ size: fc.integer({ min: 12, max: 600 }), keyframe: fc.boolean() }), {
    minLength: 1,
    maxLength: 20,
  });
  const sending = (kind: VideoCodec, first: number, sizes: readonly { size: number; keyframe: boolean }[]) => {
    const sender = new RtpSender(kind, first);
    return sizes.map(({ size, keyframe }, index) => sender.frame(size, keyframe || index === 0));
  };

  it('hands out every frame once and in order when the sender repairs what is lost', () => {
    fc.assert(
      fc.property(
        codec,
        frames,
        fc.nat(65_535),
        fc.array(fc.nat(100)),
        fc.nat(4),
        (kind, sizes, first, losses, late) => {
          const sent = sending(kind, first, sizes);
          const count = sent.flatMap(({ packets }) => packets).length;
          // The first and the last packet come: no gap shows the loss of these.
          const lost = new Set(losses.map((at) => 1 + (at % Math.max(1, count - 2))).filter((at) => at < count - 1));
          const { frames: received } = receive(sent, kind, { lost, late, repairs: true });
          expect(received.map(whole)).toEqual(sent.map(whole));
        },
      ),
    );
  });

  it('hands out only whole frames, and after a loss only from a keyframe on', () => {
    fc.assert(
      fc.property(codec, frames, fc.array(fc.nat(200), { minLength: 1 }), (kind, sizes, losses) => {
        const sent = sending(kind, 0, sizes);
        const { frames: received } = receive(sent, kind, { lost: new Set(losses), late: 0, repairs: false });
        let previous = -1;
        for (const frame of received) {
          const index = sent.findIndex(({ rtpTimestamp }) => rtpTimestamp === frame.rtpTimestamp);
          // Parameter sets may be among what is lost: a decoder may have them from before.
          const { data } = sent[index]!;
          const lostSets = kind === 'H264' && frame.keyframe ? data.length - frame.data.length : 0;
          expect(whole(frame)).toEqual(whole({ ...sent[index]!, data: data.subarray(lostSets) }));
          expect([0, SPS.length + PPS.length + 8]).toContain(lostSets);
          expect(index).toBeGreaterThan(previous);
          if (index !== previous + 1) expect(frame.keyframe).toBe(true);
          previous = index;
        }
      }),
    );
  });
});
