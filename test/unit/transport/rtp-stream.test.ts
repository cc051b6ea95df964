import { describe, expect, it } from 'vitest';
import { VP8_VIDEO } from '../../../bench/link/media-port.ts';
import { LIMITS } from '../../../src/limits.ts';
import { RtpStream, type MediaPacket } from '../../../src/transport/rtp/rtp-stream.ts';

const packet = (size: number): MediaPacket => ({
  header: new Uint8Array(0),
  data: new Uint8Array(size).fill(size & 0xff),
  from: 0,
  to: size,
  rtpTimestamp: 1,
  marker: true,
  keyframe: false,
  frame: 0,
});
const streamFrom = (initialSequence: number, video = VP8_VIDEO): RtpStream =>
  new RtpStream({ video, initialSequence, initialRtxSequence: 65_535 });

describe('RtpStream', () => {
  it('gives a number only to what was sent, across the wrap', () => {
    const stream = streamFrom(65_535);
    expect(stream.stamp(packet(1)).sequenceNumber).toBe(65_535);
    expect(stream.stamp(packet(2)).sequenceNumber).toBe(65_535);
    stream.commit(packet(2), 0);
    expect(stream.stamp(packet(3)).sequenceNumber).toBe(0);
  });

  it('wraps a lost packet as RTX under its own ssrc, payload type and numbers', () => {
    const stream = streamFrom(0x1234);
    stream.commit(packet(3), 0);
    const claimed = stream.claim(0x1234, 200_000, 100_000)!;
    const again = stream.retransmission(claimed)!;
    expect(again).toMatchObject({ ...VP8_VIDEO.rtx, sequenceNumber: 65_535, marker: true, rtpTimestamp: 1 });
    expect([...again.payload]).toEqual([0x12, 0x34, 3, 3, 3]);
    stream.commitRetransmission(claimed, 200_000);
    expect(stream.retransmission(claimed)!.sequenceNumber).toBe(0);
  });

  it('sends no second copy within a round trip of the first, which itself need not wait for one', () => {
    const stream = streamFrom(1);
    stream.commit(packet(3), 0);
    stream.commitRetransmission(stream.claim(1, 99_000, 100_000)!, 120_000);
    expect(stream.claim(1, 219_999, 100_000)).toBeUndefined();
    expect(stream.claim(1, 220_000, 100_000)).toMatchObject({ sequenceNumber: 1 });
  });

  it('sends nothing twice within 10 ms, whatever round trip is reported', () => {
    const stream = streamFrom(1);
    stream.commit(packet(3), 0);
    expect(stream.claim(1, 9_999, 0)).toBeUndefined();
    expect(stream.claim(1, 10_000, 0)).toMatchObject({ sequenceNumber: 1 });
  });

  it('claims no packet whose copy still waits, and claims it again once that is given up', () => {
    const stream = streamFrom(1);
    stream.commit(packet(3), 0);
    const claimed = stream.claim(1, 1e6, 0)!;
    expect(stream.claim(1, 9e6, 0)).toBeUndefined();
    stream.release(claimed);
    expect(stream.claim(1, 9e6, 0)).toBe(claimed);
  });

  it('forgets what is older than its history, and never mistakes one for the other', () => {
    const stream = streamFrom(0);
    for (let index = 0; index <= LIMITS.rtpHistoryPackets; index++) stream.commit(packet(1), 0);
    expect(stream.find(0)).toBeUndefined();
    expect(stream.find(1)).toMatchObject({ sequenceNumber: 1 });
    expect(stream.find(LIMITS.rtpHistoryPackets)).toMatchObject({ sequenceNumber: LIMITS.rtpHistoryPackets });
    expect(stream.find(LIMITS.rtpHistoryPackets + 1)).toBeUndefined();
  });

  it('never sends again without RTX', () => {
    const stream = streamFrom(1, { ...VP8_VIDEO, rtx: undefined });
    stream.commit(packet(3), 0);
    expect(stream.claim(1, 1e6, 0)).toBeUndefined();
    expect(stream.filler(3)).toBeUndefined();
  });

  it('fills probes with what the viewer may miss, a keyframe in order and then the deltas, each once', () => {
    const stream = streamFrom(1);
    const sent = [0, 1, 1, 1, 2, 2].map((frame) => stream.commit({ ...packet(9), frame, keyframe: frame === 1 }, 0));
    sent[2]!.arrived = true;
    const filled: number[] = [];
    for (let times = 0; times < 4; times++) {
      const filler = stream.filler(500)!;
      filled.push(filler.sequenceNumber);
      stream.commitRetransmission(filler, 1);
    }
    expect(filled).toEqual([2, 4, 5, 6]);
  });

  it('fills probes with the recent packet of the nearest size when the viewer has everything', () => {
    const stream = streamFrom(1);
    expect(stream.filler(500)).toBeUndefined();
    for (const size of [40, 480, 1_100]) stream.commit(packet(size), 0).arrived = true;
    expect(stream.filler(500)!.to).toBe(480);
  });
});
