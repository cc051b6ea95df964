/** Parameters of the LTX-2 workflows: set by the operator for all clips, or by a session for each slice. */
import type { CAMERA_MOVES, CONTROLS, FamilyName } from './ltx/families.ts';

/** A place in the picture, in shares of it. */
export type Point = readonly [x: number, y: number];

export interface Lora {
  /** File name as the server lists it. */
  name: string;
  strength: number;
}

export interface WorkflowParameters {
  /** Default: the newest family of which a server has all files. */
  model?: FamilyName | undefined;
  /** File names as the server lists them; default: those that the workflow was made for. */
  checkpoint?: string | undefined;
  textEncoder?: string | undefined;
  videoVae?: string | undefined;
  audioVae?: string | undefined;
  upscaler?: string | undefined;
  distilledLora?: string | undefined;
  controlLora?: string | undefined;
  /** Default: as published. */
  negativePrompt?: string | undefined;
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
  /** How closely the first frame keeps to the input image, 0 to 1. Default: as published. */
  imageStrength?: number | undefined;
  control: (typeof CONTROLS)[number];
  controlStrength: number;
  /** Paths of `motion-track-distilled`: points in shares of the picture. */
  tracks: readonly (readonly Point[])[];
  /** What `inpaint-distilled` paints again: x, y, width and height in shares of the picture. */
  region: readonly [number, number, number, number];
  /** What `outpaint-distilled` adds on the left, top, right and bottom, in shares of the finished picture. */
  border: readonly [number, number, number, number];
  /** A recording in ComfyUI's input folder whose voice speaks. */
  referenceAudio?: string | undefined;
  /** Decodes the sound that the model makes with the picture. */
  sound: boolean;
  /** Adds a tier of twice the size by the pixel upscaler. */
  upscale: boolean;
  /** Text encoder on the CPU, and small tiles. */
  lowVram: boolean;
  /** Decodes in tiles: less memory, more time. */
  tiledDecode: boolean;
  /** Decodes in tiles of a quarter of the pixels. */
  smallTiles?: boolean | undefined;
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

/** Scale for the retry after the server ran out of memory; it also decodes in small tiles. */
export const REDUCED_SCALE = 0.75;
