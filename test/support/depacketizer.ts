/** Puts frames back together from RTP payloads, strictly: what a receiver could not use throws. */
import type { RtpPayload } from '../../src/transport/rtp/rtp-payload.ts';

/** The payloads as they travel. */
export const joinedPayloads = (payloads: readonly RtpPayload[]): Uint8Array[] =>
  payloads.map(({ header, data, from, to }) => concat([header, data.subarray(from, to)]));

/** RFC 7741: the frame and its picture id, from the payloads of one frame in order. */
export function depacketizeVp8(payloads: readonly Uint8Array[]): { frame: Uint8Array; pictureId: number } {
  let pictureId: number | undefined;
  const parts = payloads.map((payload, index) => {
    const [first = 0, extension = 0] = payload;
    if ((first & 0x80) === 0 || (extension & 0x80) === 0) throw new Error('no picture id');
    if ((first & 0x07) !== 0) throw new Error('not partition 0');
    if (((first & 0x10) !== 0) !== (index === 0)) throw new Error('start bit in the wrong packet');
    if ((payload[2]! & 0x80) === 0) throw new Error('picture id of 7 bits');
    const id = ((payload[2]! & 0x7f) << 8) | payload[3]!;
    if (pictureId !== undefined && pictureId !== id) throw new Error('picture id changes within a frame');
    pictureId = id;
    return payload.subarray(4);
  });
  return { frame: concat(parts), pictureId: pictureId ?? -1 };
}

/** RFC 6184 mode 1: the NAL units, from the payloads of one access unit in order. */
export function depacketizeH264(payloads: readonly Uint8Array[]): Uint8Array[] {
  const units: Uint8Array[] = [];
  let fragments: Uint8Array[] | undefined;
  for (const payload of payloads) {
    const type = payload[0]! & 31;
    if (fragments && type !== 28) throw new Error('fragmented unit interrupted');
    if (type === 24) {
      for (let at = 1; at < payload.length;) {
        const bytes = (payload[at]! << 8) | payload[at + 1]!;
        units.push(payload.subarray(at + 2, at + 2 + bytes));
        at += 2 + bytes;
      }
    } else if (type === 28) {
      const header = payload[1]!;
      if (((header & 0x80) !== 0) !== (fragments === undefined)) throw new Error('start bit in the wrong fragment');
      if ((header & 0xc0) === 0xc0) throw new Error('one fragment alone');
      fragments ??= [Uint8Array.of((payload[0]! & 0xe0) | (header & 31))];
      fragments.push(payload.subarray(2));
      if ((header & 0x40) === 0) continue;
      units.push(concat(fragments));
      fragments = undefined;
    } else {
      units.push(payload);
    }
  }
  if (fragments) throw new Error('fragmented unit without an end');
  return units;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
