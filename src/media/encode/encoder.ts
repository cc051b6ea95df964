/** The contract of every encoder: one frame in, one access unit out, any bitrate per frame, keyframes on demand. */
import type { I420Frame } from '../../picture/frame.ts';

export const VIDEO_CODECS = ['VP8', 'H264'] as const;
export type VideoCodec = (typeof VIDEO_CODECS)[number];

/** One encoded frame. VP8: the raw frame. H264: Annex B with start codes, SPS and PPS before every keyframe. */
export interface AccessUnit {
  data: Uint8Array;
  keyframe: boolean;
  widthPx: number;
  heightPx: number;
  /** Wall time of the encode call, ms. */
  encodeMs: number;
}

export interface EncodeOptions {
  keyframe: boolean;
  /** May change with every call; followed within 15% over one second. */
  bitrateBps: number;
  /** How long this frame stays on screen; the unit of time of rate control. */
  durationMs: number;
  /** Approximate limit of a keyframe's size; default: four frames' worth of bits. */
  keyframeBudgetBytes?: number;
  /** The first picture of a finer tier: it must not spend all bits saved by the coarser ones. */
  sharpens?: boolean;
}

export interface VideoEncoder extends AsyncDisposable {
  readonly codec: VideoCodec;
  /** Frames of another size are scaled to the encoder's size. A new rung is a new encoder. */
  readonly widthPx: number;
  readonly heightPx: number;
  /**
   * One frame in, one access unit out; calls are answered in order.
   * @throws GlimpseError ENCODER_CLOSED after `close`, ENCODER_FAILED when the codec or its process dies
   */
  encode(frame: I420Frame, options: EncodeOptions): Promise<AccessUnit>;
  /** Idempotent; pending calls reject with ENCODER_CLOSED; nothing is left running. */
  close(): Promise<void>;
}

export interface EncoderSettings {
  codec: VideoCodec;
  widthPx: number;
  heightPx: number;
  /** Nominal rate, for rate-control defaults only. */
  fps: number;
  bitrateBps: number;
  /** H.264: largest NAL unit, for viewers that accept single NAL units only. */
  nalMaxBytes?: number | undefined;
}

export type EncoderFactory = (settings: EncoderSettings) => Promise<VideoEncoder>;
