/** Values that several families share, as they were published. */

/** First stage of distilled models, 8 steps. */
export const DISTILLED_SIGMAS = [1, 0.993_75, 0.9875, 0.981_25, 0.975, 0.909_375, 0.725, 0.421_875, 0];

/** Second stage of 2.0, and all of the detailer. */
export const REFINE_SIGMAS = [0.909_375, 0.725, 0.421_875, 0];

/** Second stage of in- and outpainting, which begins from pixels. */
export const REPAINT_SIGMAS = [0.725, 0.4219, 0];

export const NEGATIVE_2_0 =
  'blurry, low quality, still frame, frames, watermark, overlay, titles, has blurbox, has subtitles';
export const NEGATIVE_2_3 = 'pc game, console game, video game, cartoon, childish, ugly';

/** One LoRA for all three kinds of control since 2.3; it takes references of half the size. */
const UNION = 'ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors';

export const CONTROL_LORAS = {
  canny: UNION,
  depth: UNION,
  pose: UNION,
  motionTrack: 'ltx-2.3-22b-ic-lora-motion-track-control-ref0.5.safetensors',
  inOutpaint: 'ltx-2.3-22b-ic-lora-in-outpainting-0.9.safetensors',
} as const;
