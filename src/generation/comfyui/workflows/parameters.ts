/** Parameters of the LTX-2 workflows: set by the operator for all clips, or by a session for each slice. */
import { CAMERA_MOVES, CONTROLS } from './ltx/families.ts';

export interface Lora {
  /** File name as the server lists it. */
  name: string;
  strength: number;
}

export interface WorkflowParameters {
  model: '2' | '2.3';
  /** File names as the server lists them; default: those that the workflow was made for. */
  checkpoint?: string | undefined;
  textEncoder?: string | undefined;
  upscaler?: string | undefined;
  distilledLora?: string | undefined;
  controlLora?: string | undefined;
  negativePrompt: string;
  /** Size of the finished picture; the first stage makes half of it. */
  widthPx: number;
  heightPx: number;
  /** Frames a run makes, 8k + 1. */
  frames: number;
  fps: number;
  /** The last frames of a run that are the first of the next slice, 8k + 1. */
  overlapFrames: number;
  /** Denoise steps of the first stage, where a scheduler spreads them (full models). */
  steps?: number | undefined;
  /** Noise levels of the first and the second stage, 1 first and 0 last. */
  sigmas?: readonly number[] | undefined;
  refineSigmas?: readonly number[] | undefined;
  sampler?: string | undefined;
  refineSampler?: string | undefined;
  /** Classifier-free guidance of full models; distilled ones run without. */
  guidance?: number | undefined;
  loras: readonly Lora[];
  cameraMove?: (typeof CAMERA_MOVES)[number] | undefined;
  /** How closely the first frame keeps to the input image, 0 to 1. */
  imageStrength: number;
  control: (typeof CONTROLS)[number];
  controlStrength: number;
  /** Loads models one after the other. */
  lowVram: boolean;
  /** Decodes in tiles: less memory, more time. */
  tiledDecode: boolean;
}

/** What differs from slice to slice. */
export interface SliceInput {
  prompt: string;
  /** 32-bit unsigned. */
  seed: number;
  /** Index within its revision. */
  slice: number;
  guidance?: number | undefined;
  /** Names of uploaded files. `previousFrames` are the last frames of the slice before, oldest first. */
  previousFrames?: readonly string[] | undefined;
  /** A session's choices override the operator's. */
  negativePrompt?: string | undefined;
  steps?: number | undefined;
  cameraMove?: string | undefined;
  image?: string | undefined;
  video?: string | undefined;
}

/** Scale for the retry after the server ran out of memory; it also uses tiles and loads one model at a time. */
export const REDUCED_SCALE = 0.75;
