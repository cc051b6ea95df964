/**
 * Video to video: the detailer LoRA refines an input video in overlapping windows of time. There is one stage. The base
 * tap is the input itself at half the size, so that there is a picture while the refined one is made.
 */
import { beginScene, type Recipe, type Scene } from './loaders.ts';
import { REFINE_SIGMAS } from './published.ts';
import type { SliceInput, WorkflowParameters } from '../parameters.ts';
import type { BuiltGraph } from '../workflow.ts';
import { inputFrames, scaled } from './input-video.ts';
import { manualSigmas, noise, tapImages, tapLatent } from './stages.ts';

/** Uses the full model's checkpoint; with the LoRA three steps are enough. */
export function detailer(parameters: WorkflowParameters, input: SliceInput, recipe: Recipe): BuiltGraph {
  const scene: Scene = beginScene(parameters, input, recipe);
  const { graph, family, vae, positive, negative } = scene;
  const pixels = inputFrames(scene, parameters.frames);
  const model = graph.add('detailer-lora', 'LoraLoaderModelOnly', {
    model: scene.model,
    lora_name: parameters.controlLora ?? family.loras.detailer,
    strength_model: parameters.controlStrength,
  })(0);
  const tiles = { tile_size: 512, overlap: 64, temporal_size: 500, temporal_overlap: 4 };
  const latents = graph.add('input-latent', 'VAEEncodeTiled', { pixels, vae, ...tiles })(0);
  const refined = graph.add('refine', 'LTXVLoopingSampler', {
    model,
    vae,
    noise: noise(scene, 'noise'),
    sampler: graph.add('sampler', 'KSamplerSelect', { sampler_name: parameters.sampler ?? 'euler' })(0),
    sigmas: manualSigmas(graph, 'sigmas', parameters.refineSigmas ?? REFINE_SIGMAS),
    guider: graph.add('guider', 'CFGGuider', { model, positive, negative, cfg: 1 })(0),
    latents,
    optional_guiding_latents: latents,
    ...LOOPING,
  })(0);
  const base = scaled(graph, 'base-size', pixels, parameters.widthPx / 2, parameters.heightPx / 2);
  const taps = { base: tapImages(scene, 'base', base), refined: tapLatent(scene, 'refined', refined) };
  return { graph: graph.graph, taps };
}

/** Windows of 56 frames that overlap by 24, as published for the detailer. */
const LOOPING = {
  temporal_tile_size: 56,
  temporal_overlap: 24,
  guiding_strength: 1,
  temporal_overlap_cond_strength: 0.5,
  cond_image_strength: 1,
  horizontal_tiles: 1,
  vertical_tiles: 1,
  spatial_overlap: 1,
  adain_factor: 0,
  guiding_start_step: 0,
  guiding_end_step: 1000,
};
