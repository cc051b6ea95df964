/**
 * The files, samplers and noise levels that each LTX-2 generation was published with, as in the example workflows of
 * Lightricks/ComfyUI-LTXVideo (2.0 and 2.3). Where an example's sampler needs a third-party extension, ours is euler.
 */
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

export type Variant = 'full' | 'distilled';

interface Stage {
  sampler: string;
  /** Absent if the scheduler node spreads `steps`. */
  sigmas?: readonly number[];
  /** Strength of the distilled LoRA; 0 leaves it out. */
  distilledStrength: number;
}

export interface ModelFiles {
  checkpoint: Readonly<Record<Variant, string>>;
  textEncoder: string;
  upscaler: string;
  distilledLora: string;
  /** Steps and guidance of the full model's first stage. */
  steps: number;
  guidance: number;
  stages: Readonly<Record<Variant, readonly [first: Stage, second: Stage]>>;
  /** Which output of the sampler is used: 0 the last latent, 1 its estimate without noise. */
  samplerOutput: 0 | 1;
  /** Compression that makes a still image look like a video frame to the model. */
  imageCompression: number;
  controlLora: (control: (typeof CONTROLS)[number]) => string;
}

const DISTILLED_SIGMAS = [1, 0.993_75, 0.9875, 0.981_25, 0.975, 0.909_375, 0.725, 0.421_875, 0];

/** LTX-2 second stage, and all of the detailer. */
export const REFINE_SIGMAS = [0.909_375, 0.725, 0.421_875, 0];

export const DETAILER_LORA = 'ltx-2-19b-ic-lora-detailer.safetensors';

export const cameraLora = (move: (typeof CAMERA_MOVES)[number]): string =>
  `ltx-2-19b-lora-camera-control-${move}.safetensors`;

const LTX_2: ModelFiles = {
  checkpoint: { full: 'ltx-2-19b-dev.safetensors', distilled: 'ltx-2-19b-distilled.safetensors' },
  textEncoder: 'gemma-3-12b-it-qat-q4_0-unquantized/model-00001-of-00005.safetensors',
  upscaler: 'ltx-2-spatial-upscaler-x2-1.0.safetensors',
  distilledLora: 'ltx-2-19b-distilled-lora-384.safetensors',
  steps: 20,
  guidance: 4,
  stages: {
    full: [
      { sampler: 'euler', distilledStrength: 0 },
      { sampler: 'euler', sigmas: REFINE_SIGMAS, distilledStrength: 0.6 },
    ],
    distilled: [
      { sampler: 'euler', sigmas: DISTILLED_SIGMAS, distilledStrength: 0 },
      { sampler: 'euler', sigmas: REFINE_SIGMAS, distilledStrength: 0 },
    ],
  },
  samplerOutput: 1,
  imageCompression: 33,
  controlLora: (control) => `ltx-2-19b-ic-lora-${control}-control.safetensors`,
};

const REFINE_2_3 = { sampler: 'euler_cfg_pp', sigmas: [0.85, 0.725, 0.4219, 0], distilledStrength: 0.5 };

const LTX_2_3: ModelFiles = {
  // Published as one checkpoint and a LoRA that distils it.
  checkpoint: { full: 'ltx-2.3-22b-dev.safetensors', distilled: 'ltx-2.3-22b-dev.safetensors' },
  textEncoder: 'comfy_gemma_3_12B_it.safetensors',
  upscaler: 'ltx-2.3-spatial-upscaler-x2-1.1.safetensors',
  distilledLora: 'ltx-2.3-22b-distilled-lora-384-1.1.safetensors',
  steps: 15,
  guidance: 3,
  stages: {
    full: [{ sampler: 'euler', distilledStrength: 0.2 }, REFINE_2_3],
    distilled: [{ sampler: 'euler_ancestral_cfg_pp', sigmas: DISTILLED_SIGMAS, distilledStrength: 0.5 }, REFINE_2_3],
  },
  samplerOutput: 0,
  imageCompression: 18,
  // One LoRA for all three kinds.
  controlLora: () => 'ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors',
};

export const MODEL_FILES: Readonly<Record<'2' | '2.3', ModelFiles>> = { '2': LTX_2, '2.3': LTX_2_3 };
