/**
 * The files, samplers and noise levels that each LTX-2 generation was published with: the example workflows of
 * Lightricks/ComfyUI-LTXVideo (2.0, 2.3) and the blueprints of ComfyUI itself (2.3, 2.5). Full models were published
 * with samplers of third-party extensions (`res_2s`); ours is euler. Facts, not text.
 */
import { CONTROL_LORAS, DISTILLED_SIGMAS, NEGATIVE_2_0, NEGATIVE_2_3, REFINE_SIGMAS } from './published.ts';

export const CAMERA_MOVES = [
  'dolly-in',
  'dolly-left',
  'dolly-out',
  'dolly-right',
  'jib-down',
  'jib-up',
  'static',
] as const;
export const CONTROLS = ['canny', 'depth', 'pose'] as const;

/** Newest first. */
export const FAMILY_NAMES = ['2.5', '2.3', '2.0'] as const;
export type FamilyName = (typeof FAMILY_NAMES)[number];
export type Variant = 'full' | 'distilled';

export interface Stage {
  sampler: string;
  /** Absent if the scheduler node spreads `steps`. */
  sigmas?: readonly number[];
  /** Strength of the distilled LoRA; 0 leaves it out. */
  distilledStrength: number;
}

/** Sizes of `VAEDecodeTiled`: px and frames. */
export interface Tiles {
  tile_size: number;
  overlap: number;
  temporal_size: number;
  temporal_overlap: number;
}

export interface Family {
  /** Transformer and decoders in one checkpoint, or a file for each part. */
  storage: 'checkpoint' | 'split';
  /** The checkpoint or the transformer. */
  model: Readonly<Partial<Record<Variant, string>>>;
  textEncoder: string;
  /** Files of their own where the storage is split. */
  videoVae?: string;
  audioVae?: string;
  upscaler: string;
  distilledLora?: string;
  /** Steps and guidance of the full model's first stage. */
  steps: number;
  guidance: number;
  stages: Readonly<Partial<Record<Variant, readonly [first: Stage, second: Stage]>>>;
  /** Which output of the sampler is used: 0 the last latent, 1 its estimate without noise. */
  samplerOutput: 0 | 1;
  negativePrompt: string;
  /** Compression that makes a still image look like a video frame to the model. */
  imageCompression: number;
  /** How closely the first stage keeps to the input image. */
  imageStrength: number;
  tiles: Tiles;
  /** Least side of a finished picture, px. */
  leastSidePx: number;
  /** IC-LoRAs by what they follow; absent where none is published. */
  loras: Readonly<Partial<Record<(typeof CONTROLS)[number] | GuideLora, string>>>;
}

export type GuideLora = 'detailer' | 'ingredients' | 'motionTrack' | 'inOutpaint' | 'upscale';

const euler = (distilledStrength: number, sigmas?: readonly number[]): Stage => ({
  sampler: 'euler',
  distilledStrength,
  ...(sigmas && { sigmas }),
});

const LTX_2_0: Family = {
  storage: 'checkpoint',
  model: { full: 'ltx-2-19b-dev.safetensors', distilled: 'ltx-2-19b-distilled.safetensors' },
  textEncoder: 'gemma_3_12B_it.safetensors',
  upscaler: 'ltx-2-spatial-upscaler-x2-1.0.safetensors',
  distilledLora: 'ltx-2-19b-distilled-lora-384.safetensors',
  steps: 20,
  guidance: 4,
  stages: {
    full: [euler(0), euler(0.6, REFINE_SIGMAS)],
    distilled: [euler(0, DISTILLED_SIGMAS), euler(0, REFINE_SIGMAS)],
  },
  samplerOutput: 1,
  negativePrompt: NEGATIVE_2_0,
  imageCompression: 33,
  imageStrength: 0.6,
  tiles: { tile_size: 512, overlap: 64, temporal_size: 4096, temporal_overlap: 8 },
  leastSidePx: 256,
  loras: {
    canny: 'ltx-2-19b-ic-lora-canny-control.safetensors',
    depth: 'ltx-2-19b-ic-lora-depth-control.safetensors',
    pose: 'ltx-2-19b-ic-lora-pose-control.safetensors',
    detailer: 'ltx-2-19b-ic-lora-detailer.safetensors',
  },
};

const SECOND_2_3: Stage = { sampler: 'euler_cfg_pp', sigmas: [0.85, 0.725, 0.4219, 0], distilledStrength: 0.5 };

const LTX_2_3: Family = {
  storage: 'checkpoint',
  // Published as one checkpoint and a LoRA that distils it.
  model: { full: 'ltx-2.3-22b-dev.safetensors', distilled: 'ltx-2.3-22b-dev.safetensors' },
  textEncoder: 'comfy_gemma_3_12B_it.safetensors',
  upscaler: 'ltx-2.3-spatial-upscaler-x2-1.1.safetensors',
  distilledLora: 'ltx-2.3-22b-distilled-lora-384-1.1.safetensors',
  steps: 15,
  guidance: 3,
  stages: {
    full: [euler(0.2), SECOND_2_3],
    distilled: [{ sampler: 'euler_ancestral_cfg_pp', sigmas: DISTILLED_SIGMAS, distilledStrength: 0.5 }, SECOND_2_3],
  },
  samplerOutput: 0,
  negativePrompt: NEGATIVE_2_3,
  imageCompression: 18,
  imageStrength: 0.7,
  tiles: { tile_size: 768, overlap: 64, temporal_size: 4096, temporal_overlap: 4 },
  leastSidePx: 384,
  loras: {
    ...CONTROL_LORAS,
    ingredients: 'ltx-2.3-22b-ic-lora-ingredients-0.9.safetensors',
    upscale: 'ltx-2.3-22b-ic-lora-pixel-spatial-upscaler-x4-0.9.safetensors',
  },
};

const LTX_2_5: Family = {
  storage: 'split',
  model: { distilled: 'ltx-2.5-22b-distilled-transformer-bf16.safetensors' },
  textEncoder: 'gemma4-12b-with-proj-ltx-2.5-bf16.safetensors',
  videoVae: 'ltx-2.5-video-vae-bf16.safetensors',
  audioVae: 'ltx-2.5-audio-vae-bf16.safetensors',
  upscaler: 'ltx-2.5-latent-spatial-upscaler-x2-bf16-1.0.safetensors',
  steps: 8,
  guidance: 1,
  stages: {
    distilled: [
      { sampler: 'euler_ancestral', sigmas: DISTILLED_SIGMAS, distilledStrength: 0 },
      { sampler: 'euler_ancestral', sigmas: [0.85, 0.725, 0.4219, 0], distilledStrength: 0 },
    ],
  },
  samplerOutput: 0,
  negativePrompt: NEGATIVE_2_3,
  imageCompression: 18,
  imageStrength: 0.7,
  tiles: { tile_size: 512, overlap: 64, temporal_size: 64, temporal_overlap: 16 },
  leastSidePx: 384,
  loras: {
    // The IC-LoRAs of 2.3 that have no successor.
    ...CONTROL_LORAS,
    ingredients: 'ltx-2.5-22b-ic-lora-ingredients-0.9.safetensors',
    upscale: 'ltx-2.5-22b-ic-lora-pixel-spatial-upscaler-x2-1.0.safetensors',
  },
};

export const FAMILIES: Readonly<Record<FamilyName, Family>> = { '2.0': LTX_2_0, '2.3': LTX_2_3, '2.5': LTX_2_5 };

/** Published for LTX-2 alone. */
export const cameraLora = (move: (typeof CAMERA_MOVES)[number]): string =>
  `ltx-2-19b-lora-camera-control-${move}.safetensors`;

/** Where memory is short: a quarter of the pixels at a time, and 64 frames. */
export const SMALL_TILES: Tiles = { tile_size: 256, overlap: 64, temporal_size: 64, temporal_overlap: 16 };
