/** The RTP payload format of each codec. */
import { assertNever } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { packetizeH264 } from './h264.ts';
import type { NegotiatedVideo } from '../media-path.ts';
import type { RtpPayload } from './rtp-payload.ts';
import { packetizeVp8 } from './vp8.ts';

/** @param frame frame number; becomes VP8's picture id */
export function packetize(
  { codec, h264 }: Pick<NegotiatedVideo, 'codec' | 'h264'>,
  data: Uint8Array,
  frame: number,
): RtpPayload[] {
  switch (codec) {
    case 'VP8':
      return packetizeVp8(data, frame, LIMITS.rtpPayloadMaxBytes);
    case 'H264':
      return packetizeH264(data, LIMITS.rtpPayloadMaxBytes, h264?.nalMaxBytes !== undefined);
    default:
      return assertNever(codec);
  }
}
