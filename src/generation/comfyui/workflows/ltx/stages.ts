/**
 * Building blocks of all LTX-2 workflows: one sampling stage over video and audio, and decoding to a tap. They match
 * what was published, with nodes of ComfyUI itself.
 */
import type { Link } from '../graph.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { BuiltGraph, TapTier } from '../workflow.ts';
import { audioVae, stageModel, tilesOf, type Scene } from './loaders.ts';

export interface StageOptions {
  stage: 1 | 2;
  guider: Link;
  video: Link;
  audio: Link;
  /** Prefix of its nodes' ids. Default: by the stage. */
  id?: string;
  /** Default: the family's. */
  sigmas?: readonly number[];
}

/** One denoising pass over video and audio together. */
export function sample(scene: Scene, { stage, guider, video, audio, ...options }: StageOptions): AvLatent {
  const { graph, family, variant, parameters } = scene;
  const id = options.id ?? `stage${stage}`;
  const latent = graph.add(`${id}-latent`, 'LTXVConcatAVLatent', { video_latent: video, audio_latent: audio })(0);
  const chosen = stage === 1 ? parameters.sampler : parameters.refineSampler;
  const sampled = graph.add(`${id}-sample`, 'SamplerCustomAdvanced', {
    noise: noise(scene, `${id}-noise`),
    guider,
    sampler: graph.add(`${id}-sampler`, 'KSamplerSelect', {
      sampler_name: chosen ?? family.stages[variant]?.[stage - 1]?.sampler ?? 'euler',
    })(0),
    sigmas: sigmasOf(scene, stage, latent, id, options.sigmas),
    latent_image: latent,
  });
  const parts = graph.add(`${id}-parts`, 'LTXVSeparateAVLatent', { av_latent: sampled(family.samplerOutput) });
  return { video: parts(0), audio: parts(1) };
}

export interface AvLatent {
  video: Link;
  audio: Link;
}

/** Reproducible noise of its own for every slice: the low 32 bits are the seed, the bits above count the slices. */
export const noise = ({ graph, input }: Scene, id: string): Link =>
  graph.add(id, 'RandomNoise', { noise_seed: input.seed + input.slice * 2 ** 32 })(0);

function sigmasOf(scene: Scene, stage: 1 | 2, latent: Link, id: string, given?: readonly number[]): Link {
  const { graph, family, variant, parameters } = scene;
  const chosen = stage === 1 ? parameters.sigmas : parameters.refineSigmas;
  const sigmas = chosen ?? given ?? family.stages[variant]?.[stage - 1]?.sigmas;
  if (sigmas !== undefined) return manualSigmas(graph, `${id}-sigmas`, sigmas);
  return graph.add(`${id}-sigmas`, 'LTXVScheduler', {
    steps: parameters.steps ?? family.steps,
    max_shift: 2.05,
    base_shift: 0.95,
    stretch: true,
    terminal: 0.1,
    latent,
  })(0);
}

export const manualSigmas = (graph: GraphBuilder, id: string, sigmas: readonly number[]): Link =>
  graph.add(id, 'ManualSigmas', { sigmas: sigmas.join(', ') })(0);

/** Guidance of one stage by the prompt and what it should not be; 1 leaves the negative prompt to the sampler. */
export function cfgGuider(scene: Scene, stage: 1 | 2, cfg: number, on: Partial<Guided> = {}): Link {
  const { positive = scene.positive, negative = scene.negative, model = stageModel(scene, stage) } = on;
  return scene.graph.add(`${on.id ?? `stage${stage}`}-guider`, 'CFGGuider', { model, positive, negative, cfg })(0);
}

export interface Guided {
  model: Link;
  positive: Link;
  negative: Link;
  id: string;
}

/** An empty latent of the first stage's size. */
export const emptyVideo = ({ graph, parameters: { widthPx, heightPx, frames } }: Scene): Link =>
  graph.add('empty-video', 'EmptyLTXVLatentVideo', {
    width: widthPx / 2,
    height: heightPx / 2,
    length: frames,
    batch_size: 1,
  })(0);

export const emptyAudio = (scene: Scene): Link =>
  scene.graph.add('empty-audio', 'LTXVEmptyLatentAudio', {
    frames_number: scene.parameters.frames,
    frame_rate: scene.parameters.fps,
    batch_size: 1,
    audio_vae: audioVae(scene),
  })(0);

/** Doubles a latent's sides. */
export function upsample({ graph, family, parameters, vae }: Scene, samples: Link): Link {
  const model_name = parameters.upscaler ?? family.upscaler;
  const upscale_model = graph.add('upscaler', 'LatentUpscaleModelLoader', { model_name })(0);
  return graph.add('upsample', 'LTXVLatentUpsampler', { samples, upscale_model, vae })(0);
}

/** A latent as pictures. */
export function decoded(scene: Scene, tier: TapTier, samples: Link): Link {
  const { graph, parameters, vae } = scene;
  const id = `${tier}-decode`;
  if (!parameters.tiledDecode && !parameters.smallTiles) return graph.add(id, 'VAEDecode', { samples, vae })(0);
  return graph.add(id, 'VAEDecodeTiled', { samples, vae, ...tilesOf(scene) })(0);
}

/** Decodes a latent and sends every frame of it; returns the tap's node id. */
export const tapLatent = (scene: Scene, tier: TapTier, latents: Link): string =>
  tapImages(scene, tier, decoded(scene, tier, latents));

/**
 * The sound of both stages, in files that the server deletes at its next start.
 * @returns the nodes that store it; nothing where no sound is wanted
 */
export function tapSounds(scene: Scene, base: Link, refined: Link): Pick<BuiltGraph, 'sounds'> {
  const { graph, parameters } = scene;
  if (!parameters.sound) return {};
  const tap = (tier: TapTier, samples: Link): string => {
    const audio = graph.add(`${tier}-sound-decode`, 'LTXVAudioVAEDecode', { samples, audio_vae: audioVae(scene) })(0);
    graph.add(`${tier}-sound`, 'PreviewAudio', { audio });
    return `${tier}-sound`;
  };
  return { sounds: { base: tap('base', base), refined: tap('refined', refined) } };
}

export function tapImages({ graph }: Scene, tier: TapTier, images: Link): string {
  const id = `${tier}-tap`;
  graph.add(id, 'SaveImageWebsocket', { images });
  return id;
}
