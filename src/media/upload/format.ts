/**
 * The accepted upload types: each is recognized by its first bytes, and has one container and the codecs it may hold.
 * No decoder sees any other input.
 */
import type { InputMedia } from '../../picture/input-media.ts';
import { LIMITS } from '../../limits.ts';

export type UploadCodec = 'png' | 'mjpeg' | 'webp' | 'h264' | 'hevc' | 'vp9';

export interface UploadFormat {
  kind: InputMedia['kind'];
  maxBytes: number;
  /** FFmpeg's demuxer. */
  demuxer: string;
  /** FFmpeg's codecs that it may hold; the first is the usual one. */
  codecs: readonly [UploadCodec, ...UploadCodec[]];
  /** Limit of one picture, checked before memory is allocated. */
  maxPixels: number;
}

export type UploadType = (typeof LIMITS.inputTypes)[number];

const IMAGE = { kind: 'image', maxBytes: LIMITS.inputImageMaxBytes, maxPixels: LIMITS.inputMaxPixels } as const;
export const UPLOAD_FORMATS: Readonly<Record<UploadType, UploadFormat>> = {
  'image/png': { ...IMAGE, demuxer: 'png_pipe', codecs: ['png'] },
  'image/jpeg': { ...IMAGE, demuxer: 'jpeg_pipe', codecs: ['mjpeg'] },
  'image/webp': { ...IMAGE, demuxer: 'webp_pipe', codecs: ['webp'] },
  'video/mp4': {
    kind: 'video',
    maxBytes: LIMITS.inputVideoMaxBytes,
    maxPixels: LIMITS.inputVideoMaxPixels,
    demuxer: 'mov',
    codecs: ['h264', 'hevc', 'vp9'],
  },
};

/** By signature; those of `RIFF….WEBP` and `….ftyp` come after a length. */
export function mediaTypeOf(data: Uint8Array): UploadType | undefined {
  const text = (from: number, to: number): string => Buffer.from(data.subarray(from, to)).toString('latin1');
  if (text(0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png';
  if (text(0, 3) === '\xff\xd8\xff') return 'image/jpeg';
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return 'image/webp';
  return text(4, 8) === 'ftyp' ? 'video/mp4' : undefined;
}
