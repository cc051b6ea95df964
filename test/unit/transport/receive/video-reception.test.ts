import { describe, expect, it } from 'vitest';
import type { VideoCodec } from '../../../../src/media/encode/encoder.ts';
import { parseRtp } from '../../../../src/transport/receive/rtp-packet.ts';
import { VideoReception } from '../../../../src/transport/receive/video-reception.ts';
import { packetizeVp8 } from '../../../../src/transport/rtp/vp8.ts';
import { joinedPayloads } from '../../../support/depacketizer.ts';
import { buildRtp } from '../../../support/rtp-builder.ts';
import { RtpSender, vp8Frame, type SentFrame } from '../../../support/rtp-sender.ts';

const LIMITS = { pixels: 1920 * 1088, sidePx: 4096, frameBytes: 4_000, packets: 64, bytes: 64 * 1024 };
const MS = 1_000;

const reception = (codec: VideoCodec = 'VP8', nack = true) => new VideoReception({ codec, nack, limits: LIMITS });
const push = (to: VideoReception, { packets }: Pick<SentFrame, 'packets'>, nowUs: number): void => {
  for (const packet of packets) to.onPacket(parseRtp(packet)!, nowUs);
};

describe('VideoReception', () => {
  it('asks for a keyframe at once, and then ever less often', () => {
    const video = reception();
    push(video, new RtpSender('VP8').frame(100), 0);
    const asked: number[] = [];
    for (let ms = 0; ms < 20_000; ms += 10) if (video.takeKeyframeRequest(ms * MS)) asked.push(ms);
    expect(asked).toEqual([0, 300, 900, 2_100, 4_500, 8_500, 12_500, 16_500]);
  });

  it('hands out nothing before the first keyframe', () => {
    const video = reception();
    const sender = new RtpSender('VP8');
    push(video, sender.frame(100), 0);
    expect(video.take(0)).toEqual([]);
    push(video, sender.frame(100, true), 0);
    push(video, sender.frame(100), 0);
    expect(video.take(0).map(({ keyframe }) => keyframe)).toEqual([true, false]);
    expect(video.takeKeyframeRequest(0)).toBe(false);
  });

  it('goes on at a keyframe when what is missing does not come', () => {
    const video = reception();
    const sender = new RtpSender('VP8');
    push(video, sender.frame(100, true), 0);
    sender.frame(100);
    push(video, sender.frame(100), 10 * MS);
    const key = sender.frame(100, true);
    push(video, key, 20 * MS);
    expect(video.take(30 * MS)).toHaveLength(1);
    const [next] = video.take(500 * MS);
    expect(next).toMatchObject({ keyframe: true, rtpTimestamp: key.rtpTimestamp });
  });

  it('ends an access unit at the next timestamp when its marker is not set', () => {
    const video = reception();
    const sender = new RtpSender('VP8');
    const key = sender.frame(50, true);
    for (const packet of key.packets) packet[1]! &= 0x7f;
    push(video, key, 0);
    expect(video.take(0)).toEqual([]);
    push(video, sender.frame(50), 0);
    expect(video.take(0)).toHaveLength(2);
  });

  it('refuses a picture by the size that its keyframe states', () => {
    const video = reception();
    const payloads = joinedPayloads(packetizeVp8(vp8Frame(40, true, 1, 8_192), 1, 1_120));
    push(video, { packets: payloads.map((payload) => buildRtp({ marker: true, payload })) }, 0);
    expect(video.take(0)).toEqual([]);
    expect(video.takeRefused()).toEqual({ widthPx: 8_192, heightPx: 8_192 });
    expect(video.takeRefused()).toBeUndefined();
  });

  it('reads the size of an H.264 picture', () => {
    const video = new VideoReception({ codec: 'H264', nack: true, limits: { ...LIMITS, sidePx: 300 } });
    push(video, new RtpSender('H264').frame(100, true), 0);
    expect(video.take(0)).toEqual([]);
    expect(video.takeRefused()).toEqual({ widthPx: 320, heightPx: 192 });
  });

  it('drops an access unit that grows beyond its limit', () => {
    const video = reception();
    const sender = new RtpSender('VP8');
    push(video, sender.frame(5_000, true), 0);
    expect(video.take(0)).toEqual([]);
    push(video, sender.frame(100, true), 0);
    expect(video.take(0)).toHaveLength(1);
  });

  it('goes on from a packet far ahead', () => {
    const video = reception();
    push(video, new RtpSender('VP8').frame(50, true), 0);
    const later = new RtpSender('VP8', 20_000);
    push(video, later.frame(50, true), 0);
    push(video, later.frame(50), 0);
    expect(video.take(0)).toHaveLength(3);
  });

  it('starts over at a keyframe when the decoder could not use a frame', () => {
    const video = reception();
    const sender = new RtpSender('VP8');
    push(video, sender.frame(50, true), 0);
    video.take(0);
    video.onUndecodable(400 * MS);
    push(video, sender.frame(50), 400 * MS);
    expect(video.take(400 * MS)).toEqual([]);
    expect(video.takeKeyframeRequest(400 * MS)).toBe(true);
    push(video, sender.frame(50, true), 450 * MS);
    expect(video.take(450 * MS)).toHaveLength(1);
  });

  it('takes an H.264 picture that needs earlier ones for no keyframe, parameter sets or not', () => {
    const video = reception('H264');
    const sender = new RtpSender('H264');
    const [sets] = sender.frame(20, true).packets;
    const delta = sender.frame(20);
    push(
      video,
      {
        packets: [
          sets!,
          ...delta.packets.map((packet) => {
            const moved = Buffer.from(packet);
            moved.writeUInt16BE(1, 2);
            return moved;
          }),
        ],
      },
      0,
    );
    expect(video.take(0)).toEqual([]);
  });
});
