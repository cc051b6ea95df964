/**
 * Decodes an upload and encodes it again through node-av, in a separate process (upload-process.ts), where a codec may
 * crash without harm. Size and length are checked before a codec reads a byte, as far as the container states them, and
 * again with each picture, since a container may lie.
 */
import { readFileSync } from 'node:fs';
import { assertNever } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { storedPng } from '../decode/stored-png.ts';
import { UPLOAD_FORMATS, type UploadCodec, type UploadFormat, type UploadType } from './format.ts';
import { orientationOfMatrix, UPRIGHT_FILTERS, type Orientation } from './orientation.ts';

/** The job's file in the working folder of the separate process. */
export const JOB_FILE = 'job.json';

export interface RewriteJob {
  from: string;
  to: string;
  type: UploadType;
  /** Orientation of a picture; a video has its own in the track. */
  orientation: Orientation;
}

/** Why an upload is refused. */
export type Refusal = 'invalid' | 'pixels' | 'seconds';

type Api = typeof import('node-av/api');
type Constants = typeof import('node-av/constants');
type Demuxer = Awaited<ReturnType<Api['Demuxer']['open']>>;
type Stream = NonNullable<ReturnType<Demuxer['video']>>;

export interface UploadCodecs {
  api: Api;
  constants: Constants;
}

/** Rejects where node-av does not load. */
export async function loadUploadCodecs(): Promise<UploadCodecs> {
  const [api, constants, { Log }] = await Promise.all([
    import('node-av/api'),
    import('node-av/constants'),
    import('node-av/lib'),
  ]);
  // FFmpeg would log each of thousands of bad pictures.
  Log.setLevel(constants.AV_LOG_QUIET);
  return { api, constants };
}

export async function rewriteUpload(
  { from, to, type, orientation }: RewriteJob,
  codecs: UploadCodecs,
): Promise<Refusal | undefined> {
  const format = UPLOAD_FORMATS[type];
  // FFmpeg leaves old memory in the missing part of a truncated PNG.
  if (type === 'image/png' && storedPng(readFileSync(from), format.maxPixels) === undefined) return 'invalid';
  try {
    await using demuxer = await codecs.api.Demuxer.open(from, {
      format: format.demuxer,
      // Reading it would decode pictures.
      skipStreamInfo: true,
      options: { protocol_whitelist: 'file', enable_drefs: 0 },
    });
    const stream = demuxer.video();
    if (!stream) return 'invalid';
    const { width, height, codecId } = stream.codecpar;
    if (!format.codecs.some((name) => codecIdOf(name, codecs.constants) === codecId)) return 'invalid';
    const tooMuch = overBudget(
      { pictures: Number(stream.nbFrames), pixels: width * height, seconds: secondsOf(stream) },
      format,
    );
    if (tooMuch) return tooMuch;
    const turned = format.kind === 'video' ? trackOrientation(stream, codecs.constants) : orientation;
    return await transcode({ demuxer, stream, format, orientation: turned, to }, codecs);
  } catch {
    return 'invalid';
  }
}

interface Transcoding {
  demuxer: Demuxer;
  stream: Stream;
  format: UploadFormat;
  orientation: Orientation;
  to: string;
}

async function transcode(
  work: Transcoding,
  { api: { Decoder, Encoder, FilterAPI, Muxer }, constants }: UploadCodecs,
): Promise<Refusal | undefined> {
  const { demuxer, stream, format, orientation, to } = work;
  const isImage = format.kind === 'image';
  const context = { threadCount: 1 };
  const codecOptions = { max_pixels: format.maxPixels, err_detect: 'explode' };
  using decoder = await Decoder.create(stream, { exitOnError: true, context, options: codecOptions });
  using filter = FilterAPI.create(resultFilters(orientation, isImage ? 'rgb24' : 'yuv420p'));
  using encoder = await (isImage
    ? Encoder.create(constants.FF_ENCODER_PNG, { context })
    : Encoder.create(constants.FF_ENCODER_LIBX264, { context, options: { preset: 'veryfast', crf: 12 } }));
  await using muxer = await (isImage
    ? Muxer.open(to, { format: 'image2', options: { update: true } })
    : Muxer.open(to, { format: 'mp4' }));
  const output = muxer.addStream(encoder);
  let refusal: Refusal | undefined;
  let pictures = 0;
  async function* taken() {
    for await (const frame of decoder.frames(demuxer.packets(stream.index))) {
      if (!frame) continue;
      pictures += 1;
      refusal = overBudget({ pictures, pixels: frame.width * frame.height, seconds: 0 }, format);
      if (refusal) break;
      yield frame;
      if (isImage) break;
    }
    yield null;
  }
  for await (const packet of encoder.packets(filter.frames(taken())))
    if (packet) await muxer.writePacket(packet, output);
  return refusal ?? (pictures === 0 ? 'invalid' : undefined);
}

/** An explicit check: FFmpeg's own codec list applies to probing only. */
function codecIdOf(name: UploadCodec, constants: Constants): number {
  switch (name) {
    case 'png':
      return constants.AV_CODEC_ID_PNG;
    case 'mjpeg':
      return constants.AV_CODEC_ID_MJPEG;
    case 'webp':
      return constants.AV_CODEC_ID_WEBP;
    case 'h264':
      return constants.AV_CODEC_ID_H264;
    case 'hevc':
      return constants.AV_CODEC_ID_HEVC;
    case 'vp9':
      return constants.AV_CODEC_ID_VP9;
    default:
      return assertNever(name);
  }
}

interface Extent {
  pictures: number;
  /** Of one picture. */
  pixels: number;
  seconds: number;
}

function overBudget({ pictures, pixels, seconds }: Extent, { kind, maxPixels }: UploadFormat): Refusal | undefined {
  if (pixels > maxPixels) return 'pixels';
  if (kind === 'image') return undefined;
  if (seconds > LIMITS.inputVideoMaxSeconds + 1 || pictures > LIMITS.inputVideoMaxPictures) return 'seconds';
  return pictures * pixels > LIMITS.inputVideoMaxPixelFrames ? 'pixels' : undefined;
}

/** An unknown duration counts as 0: the pictures are counted as they arrive. */
function secondsOf({ duration, timeBase: { num, den } }: Stream): number {
  return duration > 0n && den > 0 ? (Number(duration) * num) / den : 0;
}

function trackOrientation({ codecpar }: Stream, { AV_PKT_DATA_DISPLAYMATRIX }: Constants): Orientation {
  const matrix = codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX);
  return matrix ? orientationOfMatrix(matrix) : 1;
}

/** Makes the result upright, with even sides within the limit, and without data beside the pixels. */
export function resultFilters(orientation: Orientation, pixelFormat: 'rgb24' | 'yuv420p'): string {
  const side = LIMITS.inputMaxSidePx;
  const filters = [
    UPRIGHT_FILTERS[orientation],
    `scale='min(${side},iw)':'min(${side},ih)':force_original_aspect_ratio=decrease`,
    'crop=trunc(iw/2)*2:trunc(ih/2)*2',
    'sidedata=mode=delete',
    'metadata=mode=delete',
    `format=${pixelFormat}`,
  ];
  return filters.filter((text) => text !== undefined).join(',');
}
