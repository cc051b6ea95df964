/**
 * FLV, read only: the only muxer of ffmpeg that writes an H.264 access unit whole, after its size and without waiting
 * for the next one. Tags of type 9 hold video: a configuration record first, then samples.
 */
import { annexB, lengthPrefixedUnits, nalType, NAL_SEI, parameterSets } from './annex-b.ts';

/** File header of 9 bytes and the first back pointer of 4. */
const HEADER_BYTES = 13;
const TAG_HEADER_BYTES = 11;
const BACK_POINTER_BYTES = 4;
const TAG_VIDEO = 9;
const FRAME_TYPE_KEY = 1;
const PACKET_CONFIGURATION = 0;
const PACKET_SAMPLE = 1;
/** Frame type and codec, packet type, three bytes of composition time. */
const VIDEO_HEADER_BYTES = 5;

export interface H264Sample {
  /** Annex B, with SPS and PPS first when it is a keyframe. */
  data: Uint8Array;
  keyframe: boolean;
}

/** Splits a growing FLV byte stream into H.264 access units. */
export class FlvReader {
  #rest: Uint8Array = new Uint8Array(0);
  #headerRead = false;
  #parameterSets: Uint8Array[] = [];

  push(chunk: Uint8Array): H264Sample[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const samples: H264Sample[] = [];
    let at = 0;
    if (!this.#headerRead) {
      if (this.#rest.length < HEADER_BYTES) return samples;
      this.#headerRead = true;
      at = HEADER_BYTES;
    }
    while (this.#rest.length - at >= TAG_HEADER_BYTES) {
      const body = at + TAG_HEADER_BYTES;
      const size = ((this.#rest[at + 1] ?? 0) << 16) | ((this.#rest[at + 2] ?? 0) << 8) | (this.#rest[at + 3] ?? 0);
      if (body + size + BACK_POINTER_BYTES > this.#rest.length) break;
      const sample = this.#rest[at] === TAG_VIDEO ? this.#video(this.#rest.subarray(body, body + size)) : undefined;
      if (sample !== undefined) samples.push(sample);
      at = body + size + BACK_POINTER_BYTES;
    }
    this.#rest = this.#rest.subarray(at);
    return samples;
  }

  #video(body: Uint8Array): H264Sample | undefined {
    const keyframe = (body[0] ?? 0) >> 4 === FRAME_TYPE_KEY;
    const payload = body.subarray(VIDEO_HEADER_BYTES);
    if (body[1] === PACKET_CONFIGURATION) this.#parameterSets = parameterSets(payload);
    if (body[1] !== PACKET_SAMPLE) return undefined;
    const units = lengthPrefixedUnits(payload).filter((nal) => nalType(nal) !== NAL_SEI);
    return { data: annexB(keyframe ? [...this.#parameterSets, ...units] : units), keyframe };
  }
}
