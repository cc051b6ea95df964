/** A sender of made-up pictures, for tests of what receives them: packets as they would leave a browser. */
import { annexB } from '../../src/media/encode/annex-b.ts';
import type { VideoCodec } from '../../src/media/encode/encoder.ts';
import { packetizeH264 } from '../../src/transport/rtp/h264.ts';
import { packetizeVp8 } from '../../src/transport/rtp/vp8.ts';
import { joinedPayloads } from './depacketizer.ts';
import { buildRtp } from './rtp-builder.ts';

const PAYLOAD_MAX_BYTES = 60;
const FRAME_TICKS = 3_000;

export interface SentFrame {
  data: Uint8Array;
  keyframe: boolean;
  rtpTimestamp: number;
  packets: Buffer[];
}

export class RtpSender {
  readonly #codec: VideoCodec;
  #sequence: number;
  #frame = 0;

  constructor(codec: VideoCodec, firstSequence = 0) {
    this.#codec = codec;
    this.#sequence = firstSequence;
  }

  /** @param sizeBytes of the picture, about */
  frame(sizeBytes: number, keyframe = false): SentFrame {
    const frame = this.#frame++;
    const data = this.#codec === 'VP8' ? vp8Frame(sizeBytes, keyframe, frame) : h264Frame(sizeBytes, keyframe, frame);
    const payloads = joinedPayloads(
      this.#codec === 'VP8' ? packetizeVp8(data, frame, PAYLOAD_MAX_BYTES) : packetizeH264(data, PAYLOAD_MAX_BYTES),
    );
    const rtpTimestamp = frame * FRAME_TICKS;
    const packets = payloads.map((payload, index) =>
      buildRtp({ sequenceNumber: this.#sequence++, rtpTimestamp, marker: index === payloads.length - 1, payload }),
    );
    return { data, keyframe, rtpTimestamp, packets };
  }
}

/** The packet again, as RTX. */
export function asRtx(
  packet: Buffer,
  { payloadType, ssrc, sequenceNumber }: Record<'payloadType' | 'ssrc' | 'sequenceNumber', number>,
): Buffer {
  return buildRtp({
    payloadType,
    ssrc,
    sequenceNumber,
    rtpTimestamp: packet.readUInt32BE(4),
    marker: packet[1]! >> 7 === 1,
    payload: Buffer.concat([packet.subarray(2, 4), packet.subarray(12)]),
  });
}

/** A frame header that states 16 by 16, and bytes that name the frame. */
export function vp8Frame(sizeBytes: number, keyframe: boolean, fill: number, sidePx = 16): Uint8Array {
  const data = new Uint8Array(Math.max(sizeBytes, 10)).fill((fill & 0x7f) | 1);
  data[0] = keyframe ? 0x10 : 0x11;
  if (keyframe) data.set([0x9d, 0x01, 0x2a, sidePx & 0xff, sidePx >> 8, sidePx & 0xff, sidePx >> 8], 3);
  return data;
}

/** Baseline, level 3.1: the fields of ITU-T H.264 section 7.3.2.1.1 up to the size. */
export function spsOf(widthPx: number, heightPx: number): Uint8Array {
  const golomb = (value: number): string => {
    const binary = (value + 1).toString(2);
    return '0'.repeat(binary.length - 1) + binary;
  };
  const fields = [0, 0, 2, 1].map(golomb).join('') + '0' + golomb(widthPx / 16 - 1) + golomb(heightPx / 16 - 1);
  const bits = `${fields}11001`.padEnd(64, '1');
  return Uint8Array.of(0x67, 0x42, 0xc0, 0x1f, ...(bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

export const SPS = spsOf(320, 192);
export const PPS = Uint8Array.of(0x68, 0xce, 0x3c, 0x80);

function h264Frame(sizeBytes: number, keyframe: boolean, fill: number): Uint8Array {
  const slice = new Uint8Array(Math.max(sizeBytes, 2)).fill((fill & 0x7f) | 0x80);
  slice[0] = keyframe ? 0x65 : 0x41;
  return annexB(keyframe ? [SPS, PPS, slice] : [slice]);
}
