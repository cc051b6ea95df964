/** The models and the prompt of one graph: what every stage of an LTX-2 workflow begins from. */
import type { Link } from '../graph.ts';
import { GraphBuilder } from '../graph-builder.ts';
import type { SliceInput, WorkflowParameters } from '../parameters.ts';
import {
  cameraLora,
  FAMILIES,
  SMALL_TILES,
  type Family,
  type FamilyName,
  type Tiles,
  type Variant,
} from './families.ts';

/** Everything the stages share. */
export interface Scene {
  graph: GraphBuilder;
  family: Family;
  variant: Variant;
  parameters: WorkflowParameters;
  input: SliceInput;
  /** Before any LoRA. */
  model: Link;
  vae: Link;
  positive: Link;
  negative: Link;
}

export interface Recipe {
  family: FamilyName;
  variant: Variant;
}

export function beginScene(parameters: WorkflowParameters, input: SliceInput, recipe: Recipe): Scene {
  const graph = new GraphBuilder();
  const family = FAMILIES[recipe.family];
  const { variant } = recipe;
  const loaded = family.storage === 'split' ? splitModel : checkpoint;
  const { model, vae } = loaded(graph, family, parameters, variant);
  const clip = textEncoder(graph, family, parameters, variant);
  const text = (id: string, words: string): Link => graph.add(id, 'CLIPTextEncode', { clip, text: words })(0);
  const prompt = text('prompt', input.prompt);
  const conditioning = graph.add('conditioning', 'LTXVConditioning', {
    positive: prompt,
    negative: usesNegative(family, parameters, variant)
      ? text('negative-prompt', parameters.negativePrompt ?? family.negativePrompt)
      : prompt,
    frame_rate: parameters.fps,
  });
  return {
    graph,
    family,
    variant,
    parameters,
    input,
    model,
    vae,
    positive: conditioning(0),
    negative: conditioning(1),
  };
}

/**
 * Whether the negative prompt is evaluated. Without guidance the server skips it, and encoding it would only cost time;
 * samplers named `cfg_pp` evaluate it at every step.
 */
function usesNegative(family: Family, parameters: WorkflowParameters, variant: Variant): boolean {
  const [first, second] = family.stages[variant] ?? [];
  const samplers = [parameters.sampler ?? first?.sampler, parameters.refineSampler ?? second?.sampler];
  return variant === 'full' || samplers.some((name) => name?.endsWith('cfg_pp') === true);
}

type Loaded = Pick<Scene, 'model' | 'vae'>;

function checkpoint(graph: GraphBuilder, family: Family, parameters: WorkflowParameters, variant: Variant): Loaded {
  const ckpt_name = modelName(family, parameters, variant);
  const loaded = graph.add('checkpoint', 'CheckpointLoaderSimple', { ckpt_name });
  return { model: loaded(0), vae: loaded(2) };
}

function splitModel(graph: GraphBuilder, family: Family, parameters: WorkflowParameters, variant: Variant): Loaded {
  const unet_name = modelName(family, parameters, variant);
  return {
    model: graph.add('transformer', 'UNETLoader', { unet_name, weight_dtype: 'default' })(0),
    vae: graph.add('video-vae', 'VAELoader', { vae_name: parameters.videoVae ?? family.videoVae })(0),
  };
}

const modelName = (family: Family, { checkpoint }: WorkflowParameters, variant: Variant): string =>
  checkpoint ?? family.model[variant] ?? '';

function textEncoder(graph: GraphBuilder, family: Family, parameters: WorkflowParameters, variant: Variant): Link {
  const name = parameters.textEncoder ?? family.textEncoder;
  // On the CPU it takes none of the GPU's memory, and more time at each new prompt.
  const device = parameters.lowVram ? 'cpu' : 'default';
  return family.storage === 'split'
    ? graph.add('text-encoder', 'CLIPLoader', { clip_name: name, type: 'ltxv', device })(0)
    : graph.add('text-encoder', 'LTXAVTextEncoderLoader', {
        text_encoder: name,
        ckpt_name: modelName(family, parameters, variant),
        device,
      })(0);
}

/** Added once, where it is needed. */
export function audioVae({ graph, family, parameters, variant }: Scene): Link {
  if ('audio-vae' in graph.graph) return ['audio-vae', 0];
  return family.storage === 'split'
    ? graph.add('audio-vae', 'VAELoader', { vae_name: parameters.audioVae ?? family.audioVae })(0)
    : graph.add('audio-vae', 'LTXVAudioVAELoader', { ckpt_name: modelName(family, parameters, variant) })(0);
}

/** The model with the LoRAs of one stage. `distilledStrength`: default, the stage's. */
export function stageModel(scene: Scene, stage: 1 | 2, id = `stage${stage}`): Link {
  const { graph, family, variant, parameters, model } = scene;
  const { distilledStrength } = family.stages[variant]?.[stage - 1] ?? { distilledStrength: 0 };
  const loras = [
    { name: parameters.distilledLora ?? family.distilledLora ?? '', strength: distilledStrength },
    ...(parameters.cameraMove === undefined ? [] : [{ name: cameraLora(parameters.cameraMove), strength: 1 }]),
    ...parameters.loras,
  ].filter(({ strength }) => strength !== 0);
  return loras.reduce<Link>((before, lora, index) => withLora(graph, `${id}-lora${index + 1}`, before, lora), model);
}

export const withLora = (
  graph: GraphBuilder,
  id: string,
  model: Link,
  lora: { name: string; strength: number },
): Link => graph.add(id, 'LoraLoaderModelOnly', { model, lora_name: lora.name, strength_model: lora.strength })(0);

export const tilesOf = ({ family, parameters }: Scene): Tiles => (parameters.smallTiles ? SMALL_TILES : family.tiles);
