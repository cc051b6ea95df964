/**
 * Building blocks of all LTX-2 workflows: models and prompt, one sampling stage over video and audio, and decoding to a
 * tap. They match the published examples node for node. The model makes video and audio jointly; the audio is dropped.
 */
import type { Link } from '../graph.ts';
import { GraphBuilder } from '../graph-builder.ts';
import { cameraLora, MODEL_FILES, type ModelFiles, type Variant } from './families.ts';
import type { SliceInput, WorkflowParameters } from '../parameters.ts';

/** Everything the stages share. */
export interface Scene {
  graph: GraphBuilder;
  files: ModelFiles;
  variant: Variant;
  parameters: WorkflowParameters;
  input: SliceInput;
  /** Before any LoRA. */
  checkpoint: Link;
  vae: Link;
  positive: Link;
  negative: Link;
}

export function beginScene(parameters: WorkflowParameters, input: SliceInput, variant: Variant): Scene {
  const graph = new GraphBuilder();
  const files = MODEL_FILES[parameters.model];
  const ckpt_name = parameters.checkpoint ?? files.checkpoint[variant];
  const clip = textEncoder(graph, parameters, ckpt_name);
  const text = (id: string, words: string): Link => graph.add(id, 'CLIPTextEncode', { clip, text: words })(0);
  const prompt = text('prompt', input.prompt);
  const conditioning = graph.add('conditioning', 'LTXVConditioning', {
    positive: prompt,
    // Without guidance the negative prompt has no effect, and encoding it would only cost time.
    negative: variant === 'full' ? text('negative-prompt', parameters.negativePrompt) : prompt,
    frame_rate: parameters.fps,
  });
  const checkpoint = parameters.lowVram
    ? graph.add('checkpoint', 'LowVRAMCheckpointLoader', { ckpt_name, dependencies: conditioning(0) })
    : graph.add('checkpoint', 'CheckpointLoaderSimple', { ckpt_name });
  const links = { checkpoint: checkpoint(0), vae: checkpoint(2), positive: conditioning(0), negative: conditioning(1) };
  return { graph, files, variant, parameters, input, ...links };
}

function textEncoder(graph: GraphBuilder, { model, textEncoder: chosen }: WorkflowParameters, ckpt_name: string): Link {
  const name = chosen ?? MODEL_FILES[model].textEncoder;
  return model === '2'
    ? graph.add('text-encoder', 'LTXVGemmaCLIPModelLoader', {
        gemma_path: name,
        ltxv_path: ckpt_name,
        max_length: 1024,
      })(0)
    : graph.add('text-encoder', 'LTXAVTextEncoderLoader', { text_encoder: name, ckpt_name, device: 'default' })(0);
}

/** The checkpoint with the LoRAs of one stage. */
export function stageModel({ graph, files, variant, parameters, checkpoint }: Scene, stage: 1 | 2): Link {
  const { distilledStrength } = files.stages[variant][stage - 1] ?? { distilledStrength: 0 };
  const loras = [
    { name: parameters.distilledLora ?? files.distilledLora, strength: distilledStrength },
    ...(parameters.cameraMove === undefined ? [] : [{ name: cameraLora(parameters.cameraMove), strength: 1 }]),
    ...parameters.loras,
  ].filter(({ strength }) => strength !== 0);
  return loras.reduce<Link>(
    (model, { name, strength }, index) =>
      graph.add(`stage${stage}-lora${index + 1}`, 'LoraLoaderModelOnly', {
        model,
        lora_name: name,
        strength_model: strength,
      })(0),
    checkpoint,
  );
}

export interface StageOptions {
  stage: 1 | 2;
  guider: Link;
  video: Link;
  audio: Link;
}

/** One denoising pass over video and audio together. */
export function sample(scene: Scene, { stage, guider, video, audio }: StageOptions): { video: Link; audio: Link } {
  const { graph, files, variant, parameters } = scene;
  const node = (name: string): string => `stage${stage}-${name}`;
  const latent = graph.add(node('latent'), 'LTXVConcatAVLatent', { video_latent: video, audio_latent: audio })(0);
  const defaults = files.stages[variant][stage - 1];
  const sampled = graph.add(node('sample'), 'SamplerCustomAdvanced', {
    noise: noise(scene, node('noise')),
    guider,
    sampler: graph.add(node('sampler'), 'KSamplerSelect', {
      sampler_name: (stage === 1 ? parameters.sampler : parameters.refineSampler) ?? defaults?.sampler ?? 'euler',
    })(0),
    sigmas: sigmasOf(scene, stage, latent),
    latent_image: latent,
  });
  const parts = graph.add(node('parts'), 'LTXVSeparateAVLatent', { av_latent: sampled(files.samplerOutput) });
  return { video: parts(0), audio: parts(1) };
}

/** Reproducible noise of its own for every slice: the low 32 bits are the seed, the bits above count the slices. */
export const noise = ({ graph, input }: Scene, id: string): Link =>
  graph.add(id, 'RandomNoise', { noise_seed: input.seed + input.slice * 2 ** 32 })(0);

function sigmasOf({ graph, files, variant, parameters }: Scene, stage: 1 | 2, latent: Link): Link {
  const chosen = stage === 1 ? parameters.sigmas : parameters.refineSigmas;
  const sigmas = chosen ?? files.stages[variant][stage - 1]?.sigmas;
  if (sigmas !== undefined) return manualSigmas(graph, `stage${stage}-sigmas`, sigmas);
  return graph.add(`stage${stage}-sigmas`, 'LTXVScheduler', {
    steps: parameters.steps ?? files.steps,
    max_shift: 2.05,
    base_shift: 0.95,
    stretch: true,
    terminal: 0.1,
    latent,
  })(0);
}

export const manualSigmas = (graph: GraphBuilder, id: string, sigmas: readonly number[]): Link =>
  graph.add(id, 'ManualSigmas', { sigmas: sigmas.join(', ') })(0);

/** An empty latent of the first stage's size. */
export const emptyVideo = ({ graph, parameters: { widthPx, heightPx, frames } }: Scene): Link =>
  graph.add('empty-video', 'EmptyLTXVLatentVideo', {
    width: widthPx / 2,
    height: heightPx / 2,
    length: frames,
    batch_size: 1,
  })(0);

export function emptyAudio({ graph, files, variant, parameters, checkpoint }: Scene): Link {
  const { lowVram, frames, fps } = parameters;
  const ckpt_name = parameters.checkpoint ?? files.checkpoint[variant];
  const audio_vae = lowVram
    ? graph.add('audio-vae', 'LowVRAMAudioVAELoader', { ckpt_name, dependencies: checkpoint })(0)
    : graph.add('audio-vae', 'LTXVAudioVAELoader', { ckpt_name })(0);
  return graph.add('empty-audio', 'LTXVEmptyLatentAudio', {
    frames_number: frames,
    frame_rate: Math.round(fps),
    batch_size: 1,
    audio_vae,
  })(0);
}

/** Doubles a latent's sides. */
export function upsample({ graph, files, parameters, vae }: Scene, samples: Link): Link {
  const model_name = parameters.upscaler ?? files.upscaler;
  const upscale_model = parameters.lowVram
    ? graph.add('upscaler', 'LowVRAMLatentUpscaleModelLoader', { model_name, dependencies: samples })(0)
    : graph.add('upscaler', 'LatentUpscaleModelLoader', { model_name })(0);
  return graph.add('upsample', 'LTXVLatentUpsampler', { samples, upscale_model, vae })(0);
}

/** Decodes a latent and sends every frame of it; returns the tap's node id. */
export function tapLatent(scene: Scene, tier: 'base' | 'refined', latents: Link): string {
  const { graph, parameters, vae } = scene;
  const ends = { last_frame_fix: false, working_device: 'auto', working_dtype: 'auto' };
  const id = `${tier}-decode`;
  if (!parameters.tiledDecode) return tapImages(scene, tier, graph.add(id, 'VAEDecode', { samples: latents, vae })(0));
  const images =
    parameters.model === '2'
      ? graph.add(id, 'LTXVSpatioTemporalTiledVAEDecode', {
          vae,
          latents,
          spatial_tiles: 4,
          spatial_overlap: 4,
          temporal_tile_length: 16,
          temporal_overlap: 4,
          ...ends,
        })
      : graph.add(id, 'LTXVTiledVAEDecode', {
          vae,
          latents,
          horizontal_tiles: 2,
          vertical_tiles: 2,
          overlap: 6,
          ...ends,
        });
  return tapImages(scene, tier, images(0));
}

export function tapImages({ graph }: Scene, tier: 'base' | 'refined', images: Link): string {
  const id = `${tier}-tap`;
  graph.add(id, 'SaveImageWebsocket', { images });
  return id;
}
