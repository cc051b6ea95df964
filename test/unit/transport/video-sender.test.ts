/** The send path of one viewer, in virtual time: what leaves, and what it answers. */
import { describe, expect, it } from 'vitest';
import { VP8_VIDEO } from '../../../bench/link/media-port.ts';
import { GlimpseEstimator } from '../../../src/congestion/estimator.ts';
import { LIMITS } from '../../../src/limits.ts';
import type { NegotiatedVideo } from '../../../src/transport/media-path.ts';
import { PacerTimer } from '../../../src/transport/pacing/pacer-timer.ts';
import { parseRtcp } from '../../../src/transport/rtcp/rtcp.ts';
import { VideoSender } from '../../../src/transport/video-sender.ts';
import { ArrayMediaPath } from '../../../bench/support/wire/array-media-path.ts';
import { depacketizeVp8 } from '../../support/depacketizer.ts';
import * as rtcp from '../../../bench/support/wire/rtcp-builder.ts';
import { seededRandom } from '../../../bench/link/seeded-random.ts';
import { encodeTwcc } from '../../../bench/support/wire/twcc-encoder.ts';
import { VirtualTime } from '../../../bench/link/virtual-time.ts';

function setUp(video: NegotiatedVideo = VP8_VIDEO) {
  const time = new VirtualTime();
  const path = new ArrayMediaPath(video);
  const timer = new PacerTimer({ clock: time });
  const random = seededRandom(1);
  const sender = new VideoSender({ path, estimator: new GlimpseEstimator(), clock: time, timer, random });
  const asked: string[] = [];
  sender.events.on('keyframeNeeded', (reason) => asked.push(reason));
  const send = (bytes: number, keyframe: boolean): number => {
    const data = new Uint8Array(bytes).fill(keyframe ? 1 : 2);
    const unit = { data, keyframe, widthPx: 16, heightPx: 16, encodeMs: 0 };
    return sender.sendFrame(unit, { captureUs: time.nowUs() }).rtpTimestamp;
  };
  return { time, path, timer, sender, asked, send };
}

describe('VideoSender', () => {
  it('sends a small frame at once, whole and marked', () => {
    const { path, send, sender } = setUp();
    const rtpTimestamp = send(600, true);
    expect(path.media).toHaveLength(1);
    expect(path.media[0]).toMatchObject({ rtpTimestamp, marker: true, ssrc: VP8_VIDEO.ssrc, payloadType: 96 });
    expect(depacketizeVp8([path.media[0]!.payload]).frame).toHaveLength(600);
    expect(sender.stats).toMatchObject({ framesSent: 1, keyframes: 1, keyframeBytes: 600 });
  });

  it('timestamps frames at 90 kHz from their capture, from a random start', () => {
    const { time, send } = setUp();
    const first = send(100, true);
    time.advance(100);
    expect((send(100, false) - first) >>> 0).toBe(9_000);
    expect(setUp().send(100, true)).toBe(first);
    expect(first).not.toBe(0);
  });

  it('says when the first packet left', () => {
    const { sender, send, time } = setUp();
    const left: number[] = [];
    sender.events.on('firstPacket', (nowUs) => left.push(nowUs));
    send(5_000, true);
    time.advance(500);
    expect(left).toEqual([1_000_000]);
  });

  it('leaves no gap in the sequence when a keyframe flushes what waited', () => {
    const { path, send, time } = setUp();
    send(6_000, true);
    send(6_000, false);
    time.advance(20);
    send(6_000, true);
    time.advance(2_000);
    const numbers = path.media.map((packet) => packet.sequenceNumber);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0]! + index) & 0xffff));
    const frames = Map.groupBy(path.media, (packet) => packet.rtpTimestamp);
    expect(depacketizeVp8([...frames.values()].at(-1)!.map((packet) => packet.payload)).frame).toHaveLength(6_000);
  });

  it('reports once a second, with the media time of the instant', () => {
    const { path, send, time } = setUp();
    const first = send(100, true);
    time.advance(3_500);
    const reports = path.rtcp.map((packet) => new DataView(packet.buffer));
    expect(reports).toHaveLength(4);
    expect(path.rtcp.every((packet) => parseRtcp(packet)[0]?.type === 'senderReport')).toBe(true);
    const media = reports.map((view) => view.getUint32(16));
    expect(media[0]).toBe(first);
    const wall = reports.map((view) => view.getUint32(8) * 1_000 + (view.getUint32(12) / 2 ** 32) * 1_000);
    expect(((media[3]! - media[0]!) >>> 0) / 90).toBeCloseTo(wall[3]! - wall[0]!, 0);
  });

  it('answers a NACK with RTX once a round trip, keyframe packets first', () => {
    const { path, sender, send, time } = setUp();
    send(2_000, true);
    send(1_000, false);
    time.advance(200);
    const lost = path.media.map((packet) => packet.sequenceNumber).toReversed();
    const nack = rtcp.nack(
      VP8_VIDEO.ssrc,
      lost.map((sequence) => [sequence, 0]),
    );
    path.rtp.length = 0;
    sender.onRtcp(nack);
    sender.onRtcp(nack);
    time.advance(90);
    const original = path.retransmissions.map(({ payload }) => (payload[0]! << 8) | payload[1]!);
    expect(new Set(original.slice(0, 3))).toEqual(new Set(lost));
    expect(original[2]).toBe(lost[0]);
    expect(sender.stats).toMatchObject({ nacks: 6, retransmitted: 3 });
  });

  it('holds little, whatever a viewer that reports no round trip asks for again and again', () => {
    const { path, sender, send, time } = setUp();
    for (let frame = 0; frame < 100; frame++) {
      send(4_000, frame === 0);
      time.advance(50);
    }
    const reports = path.rtcp.length;
    while (path.rtcp.length === reports) time.advance(1);
    const report = new DataView(path.rtcp.at(-1)!.buffer);
    const lastSenderReport = ((report.getUint16(10) << 16) | report.getUint16(12)) >>> 0;
    sender.onRtcp(rtcp.receiverReport({ ssrc: VP8_VIDEO.ssrc, lastSenderReport, delaySinceLastSenderReport: 0 }));
    expect(sender.stats.rttMs).toBeLessThan(2);
    const first = path.media[0]!.sequenceNumber;
    // 1.2 kB each, and together every packet of the stream many times.
    const entries = Array.from(
      { length: 297 },
      (_, index) => [(first + ((index * 17) % 400)) & 0xffff, 0xffff] as const,
    );
    const nack = rtcp.nack(VP8_VIDEO.ssrc, entries);
    path.rtp.length = 0;
    const { nacks } = sender.stats;
    for (let times = 0; times < 200; times++) {
      sender.onRtcp(nack);
      time.advance(1);
      expect(sender.stats.pacerQueueMs).toBeLessThan(1_000);
    }
    expect(sender.stats.nacks - nacks).toBeLessThanOrEqual(200 * LIMITS.rtpHistoryPackets);
    expect(path.retransmissions.length).toBeLessThan(100);
  });

  it('does not resend what a keyframe has replaced', () => {
    const { path, sender, send, time } = setUp();
    send(500, true);
    time.advance(100);
    send(500, true);
    time.advance(100);
    sender.onRtcp(rtcp.nack(VP8_VIDEO.ssrc, [[path.media[0]!.sequenceNumber, 0]]));
    time.advance(50);
    expect(sender.stats.retransmitted).toBe(0);
  });

  it('asks for a keyframe instead of resending when there is no RTX', () => {
    const { path, sender, send, asked, time } = setUp({ ...VP8_VIDEO, rtx: undefined });
    send(500, true);
    time.advance(400);
    sender.onRtcp(rtcp.nack(VP8_VIDEO.ssrc, [[path.media[0]!.sequenceNumber, 0]]));
    time.advance(50);
    expect(asked).toEqual(['loss']);
    expect(path.rtp).toHaveLength(1);
  });

  it('coalesces PLI, and takes a repeated FIR for one', () => {
    const { sender, send, asked, time } = setUp();
    send(500, true);
    time.advance(400);
    for (let times = 0; times < 5; times++) sender.onRtcp(rtcp.pli(VP8_VIDEO.ssrc));
    expect(asked).toEqual(['pli']);
    send(500, true);
    for (const commandSequence of [1, 1, 1, 2]) {
      time.advance(1_000);
      sender.onRtcp(rtcp.fir(VP8_VIDEO.ssrc, commandSequence));
    }
    expect(asked).toEqual(['pli', 'fir', 'fir']);
    sender.onRtcp(rtcp.pli(0x9999));
    expect(sender.stats).toMatchObject({ plis: 5, firs: 2 });
  });

  it('drops what waited too long for a path, and asks for a keyframe', () => {
    const { path, send, asked, time, sender } = setUp();
    send(500, true);
    path.up = false;
    time.advance(100);
    send(500, false);
    time.advance(500);
    expect(asked).toEqual(['drop']);
    path.up = true;
    send(500, false);
    expect(sender.stats.droppedFrames).toBe(2);
    send(500, true);
    time.advance(100);
    expect(path.media).toHaveLength(2);
    expect(path.media.at(-1)!.sequenceNumber).toBe((path.media[0]!.sequenceNumber + 1) & 0xffff);
  });

  it('survives feedback about packets it never sent', () => {
    const { sender, send, time } = setUp();
    const feedback = rtcp.transportFeedback(VP8_VIDEO.ssrc, encodeTwcc([{ sequence: 40_000, arrivedAtUs: 1e6 }]));
    sender.onRtcp(feedback);
    send(500, true);
    time.advance(10);
    sender.onRtcp(feedback);
    expect(sender.stats.reason).toBe('start');
  });

  it('neither probes nor starves on a client without transport-wide feedback', () => {
    const { path, sender, send, time } = setUp({
      ...VP8_VIDEO,
      extensions: {},
      feedback: { ...VP8_VIDEO.feedback, transportCc: false },
    });
    for (let frame = 0; frame < 60; frame++) {
      send(400, frame === 0);
      time.advance(83);
    }
    expect(path.retransmissions).toHaveLength(0);
    expect(sender.stats.targetBps).toBe(300_000);
    sender.onRtcp(rtcp.remb(800_000, VP8_VIDEO.ssrc));
    expect(sender.stats.targetBps).toBeCloseTo(800_000, -4);
  });

  it('stops for good when closed', () => {
    const { path, sender, send, time, timer } = setUp();
    send(20_000, true);
    sender.close();
    sender.close();
    const sent = path.rtp.length;
    send(100, true);
    sender.onRtcp(rtcp.pli(VP8_VIDEO.ssrc));
    time.advance(5_000);
    expect(path.rtp).toHaveLength(sent);
    expect([timer.size, time.timers]).toEqual([0, 0]);
  });
});
