/** The RTP payload format that goes with each codec. */
import { assertNever } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { VideoCodec } from '../media/encoder.ts';
import { packetizeH264 } from './h264.ts';
import type { RtpPayload } from './rtp-payload.ts';
import { packetizeVp8 } from './vp8.ts';

/** @param frame counts frames; becomes VP8's picture id. */
export function packetize(codec: VideoCodec, data: Uint8Array, frame: number): RtpPayload[] {
  switch (codec) {
    case 'VP8':
      return packetizeVp8(data, frame, LIMITS.rtpPayloadMaxBytes);
    case 'H264':
      return packetizeH264(data, LIMITS.rtpPayloadMaxBytes);
    default:
      return assertNever(codec);
  }
}
