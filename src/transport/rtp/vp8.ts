/**
 * VP8 over RTP (RFC 7741 section 4): splits an encoded frame into packets of nearly equal size, so that no frame ends
 * in a tiny packet that costs a header, a nonce and a wake-up. Pure.
 */
import type { RtpPayload } from './rtp-payload.ts';

const PICTURE_ID_MASK = 0x7fff;
/** X bit: an extended control octet follows. */
const EXTENDED = 0x80;
/** S bit: start of partition. The whole frame is partition 0, as in all browsers. */
const START = 0x10;
/** I bit: a picture id follows. */
const HAS_PICTURE_ID = 0x80;
/** M bit: the picture id has 15 bits. */
const LONG_PICTURE_ID = 0x8000;

export const VP8_DESCRIPTOR_BYTES = 4;

/**
 * @param frame one raw VP8 frame, at least one byte
 * @param pictureId frame number; its low 15 bits are written
 * @param payloadMaxBytes largest RTP payload, descriptor included
 */
export function packetizeVp8(frame: Uint8Array, pictureId: number, payloadMaxBytes: number): RtpPayload[] {
  const room = payloadMaxBytes - VP8_DESCRIPTOR_BYTES;
  const count = Math.max(1, Math.ceil(frame.length / room));
  const id = LONG_PICTURE_ID | (pictureId & PICTURE_ID_MASK);
  const start = Uint8Array.of(EXTENDED | START, HAS_PICTURE_ID, id >> 8, id & 0xff);
  const next = Uint8Array.of(EXTENDED, HAS_PICTURE_ID, id >> 8, id & 0xff);
  const payloads: RtpPayload[] = [];
  for (let index = 0; index < count; index++) {
    const from = Math.floor((frame.length * index) / count);
    const to = Math.floor((frame.length * (index + 1)) / count);
    payloads.push({ header: index === 0 ? start : next, data: frame, from, to });
  }
  return payloads;
}
