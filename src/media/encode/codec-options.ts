/**
 * Codec settings, the same for the in-process encoder and the ffmpeg child: one thread, no frame held back, keyframes
 * only on request, and rate control that reacts within a frame.
 */
import type { EncodeOptions, EncoderSettings, VideoCodec } from './encoder.ts';

/** Frames between the codec's own keyframes: more than a session has. */
export const GOP_FRAMES = 1_000_000;

/** Buffer of libvpx's rate control, in seconds of its opening rate. */
export const VP8_BUFFER_S = 0.6;
/** Buffer of x264's rate control, in frames' worth of bits: fewer starve it, more slow its reaction. */
export const X264_BUFFER_FRAMES = 5;

/**
 * libvpx: `cpu-used -6` is the best trade of quality against time; `max-intra-rate` keeps a requested keyframe under
 * four frames' worth of bits (9–15 kB became 1.6 kB); `undershoot 100` lets it repay a debt at once.
 */
const VP8_OPTIONS = {
  deadline: 'realtime',
  'cpu-used': '-6',
  'lag-in-frames': '0',
  'auto-alt-ref': '0',
  'undershoot-pct': '100',
  'overshoot-pct': '15',
  'max-intra-rate': '400',
} as const;

/** x264: every WebRTC client decodes baseline; `forced-idr` makes a requested keyframe a real entry point. */
const H264_OPTIONS = {
  preset: 'superfast',
  tune: 'zerolatency',
  profile: 'baseline',
  'forced-idr': '1',
  sc_threshold: '0',
} as const;

export const CODEC_OPTIONS: Record<VideoCodec, Readonly<Record<string, string>>> = {
  VP8: VP8_OPTIONS,
  H264: H264_OPTIONS,
};

/** Limits the bits of a still picture, which is repeated once a second, to this many frames' worth. */
const FRAMES_PER_PICTURE_MAX = 4;

/** A keyframe may cost this many frames' worth of bits: libvpx by `max-intra-rate`, x264 by its buffer. */
const FRAMES_PER_KEYFRAME = 4;

/**
 * libvpx spends all saved bits of its buffer on a picture much finer than the last ones: 47 kB after eight drafts at
 * 950 kbps, 0.4 s of the path. With a quarter of the time it takes 16 kB, and the next frames take the rest.
 */
const SHARPENING_SHARE = 0.25;

/**
 * The part of a frame's display time for which it may spend bits. A keyframe's fits its budget: at eight frames a
 * second, four frames' worth would be half a second of the path.
 */
export function spendableMs(
  { durationMs, keyframe, bitrateBps, keyframeBudgetBytes = Infinity, sharpens = false }: EncodeOptions,
  { fps }: EncoderSettings,
): number {
  const budgetMs = keyframe ? (keyframeBudgetBytes * 8_000) / bitrateBps / FRAMES_PER_KEYFRAME : Infinity;
  const spentMs = sharpens ? durationMs * SHARPENING_SHARE : durationMs;
  return Math.min(spentMs, (FRAMES_PER_PICTURE_MAX * 1000) / fps, budgetMs);
}

/** H.264 level by picture size: 3.1 holds 1280×720 at 30 frames a second, 4.0 holds 1920×1080. */
export const h264Level = ({ widthPx, heightPx }: EncoderSettings): string =>
  Math.ceil(widthPx / 16) * Math.ceil(heightPx / 16) <= 3_600 ? '3.1' : '4.0';
