/**
 * VP8 from RTP (RFC 7741 section 4.2): skips the payload descriptor and joins the frame's packets. A frame starts with
 * the first packet of partition 0; all its packets carry one picture id, where they carry any. Pure.
 */
import { concat, type Depacketizer } from './depacketizer.ts';

export interface Vp8Payload {
  /** First packet of a frame. */
  starts: boolean;
  /** Of a packet that starts a frame: it needs no earlier frame (RFC 6386 section 9.1). */
  keyframe: boolean;
  pictureId: number | undefined;
  /** At least one byte. */
  data: Uint8Array;
}

const EXTENDED = 0x80;
const START = 0x10;
const PARTITION_MASK = 0x07;
const HAS_PICTURE_ID = 0x80;
const HAS_TL0 = 0x40;
const HAS_TID_OR_KEY = 0x30;
const LONG_PICTURE_ID = 0x80;

/** @returns undefined when the payload ends within its descriptor */
export function readVp8(payload: Uint8Array): Vp8Payload | undefined {
  const first = payload[0] ?? 0;
  let at = 1;
  let pictureId: number | undefined;
  if ((first & EXTENDED) !== 0) {
    const control = payload[at++] ?? 0;
    if ((control & HAS_PICTURE_ID) !== 0) {
      const high = payload[at++] ?? 0;
      pictureId = (high & LONG_PICTURE_ID) === 0 ? high : ((high & 0x7f) << 8) | (payload[at++] ?? 0);
    }
    if ((control & HAS_TL0) !== 0) at += 1;
    if ((control & HAS_TID_OR_KEY) !== 0) at += 1;
  }
  if (at >= payload.length) return undefined;
  const data = payload.subarray(at);
  const starts = (first & START) !== 0 && (first & PARTITION_MASK) === 0;
  return { starts, keyframe: starts && (data[0]! & 1) === 0, pictureId, data };
}

export class Vp8Depacketizer implements Depacketizer {
  #parts: Uint8Array[] = [];
  #pictureId: number | undefined;
  #keyframe = false;

  push(payload: Uint8Array): boolean {
    const read = readVp8(payload);
    if (read === undefined || read.starts !== (this.#parts.length === 0)) return false;
    if (read.starts) {
      this.#pictureId = read.pictureId;
      this.#keyframe = read.keyframe;
    } else if (read.pictureId !== this.#pictureId) return false;
    this.#parts.push(read.data);
    return true;
  }

  finish(): { data: Uint8Array; keyframe: boolean } | undefined {
    const whole = this.#parts.length === 0 ? undefined : { data: concat(this.#parts), keyframe: this.#keyframe };
    this.reset();
    return whole;
  }

  reset(): void {
    this.#parts = [];
  }
}
