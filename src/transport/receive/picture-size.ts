/**
 * The size that a keyframe states, read before any decoder sees it: VP8's frame header (RFC 6386 section 9.1) and
 * H.264's sequence parameter sets (ITU-T H.264 section 7.3.2.1.1). Pure; bounded by the input, nothing throws.
 */
import { nalType, nalUnits, NAL_SPS } from '../../media/encode/annex-b.ts';
import type { VideoCodec } from '../../media/encode/encoder.ts';
import { readSps } from './h264-sps.ts';

export interface PictureSize {
  widthPx: number;
  heightPx: number;
}

const VP8_HEADER_BYTES = 10;
const VP8_SIDE_MASK = 0x3fff;

/** The largest size that the access unit states; undefined when it states none, or none that can be read. */
export function statedSize(codec: VideoCodec, accessUnit: Uint8Array): PictureSize | undefined {
  if (codec === 'VP8') return vp8Size(accessUnit);
  let largest: PictureSize | undefined;
  for (const unit of nalUnits(accessUnit)) {
    const size = nalType(unit) === NAL_SPS ? readSps(unit) : undefined;
    if (size && (!largest || size.widthPx * size.heightPx > largest.widthPx * largest.heightPx)) largest = size;
  }
  return largest;
}

function vp8Size(frame: Uint8Array): PictureSize | undefined {
  if (frame.length < VP8_HEADER_BYTES || (frame[0]! & 1) !== 0) return undefined;
  if (frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return undefined;
  const widthPx = ((frame[7]! << 8) | frame[6]!) & VP8_SIDE_MASK;
  const heightPx = ((frame[9]! << 8) | frame[8]!) & VP8_SIDE_MASK;
  return widthPx > 0 && heightPx > 0 ? { widthPx, heightPx } : undefined;
}
