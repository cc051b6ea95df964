/**
 * Each LTX-2 graph against what was published for it, node by node: the values of all nodes but those that carry the
 * prompt, the seed, sizes of the picture, and our taps. From the example workflows of Lightricks/ComfyUI-LTXVideo
 * (2.0, 2.3) and ComfyUI's own blueprints (2.3, 2.5). Where ours differs on purpose, a comment says so.
 */
import { describe, expect, it } from 'vitest';
import type { FamilyName } from '../../../../src/generation/comfyui/workflows/ltx/families.ts';
import { ltxWorkflow, type WorkflowName } from '../../../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import { isLink, type Graph, type InputValue } from '../../../../src/generation/comfyui/workflows/graph.ts';
import { readParameters } from '../../../../src/generation/comfyui/workflows/settings.ts';

type Values = Record<string, InputValue>;

/** Their values are the session's, or follow from the size. */
const OURS = new Set([
  'RandomNoise',
  'EmptyLTXVLatentVideo',
  'SaveImageWebsocket',
  'ImageScale',
  'LoadImage',
  'LoadVideo',
  'GetVideoComponents',
  'ImageFromBatch',
]);

const EIGHT = '1, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0';
const THREE = '0.909375, 0.725, 0.421875, 0';
const THREE_2_3 = '0.85, 0.725, 0.4219, 0';
const NEGATIVE_2_0 = 'blurry, low quality, still frame, frames, watermark, overlay, titles, has blurbox, has subtitles';
const NEGATIVE_2_3 = 'pc game, console game, video game, cartoon, childish, ugly';
const SCHEDULER = { max_shift: 2.05, base_shift: 0.95, stretch: true, terminal: 0.1 };
const lora = (lora_name: string, strength_model: number): Values => ({ lora_name, strength_model });
const image = (strength: number): Values => ({ strength, bypass: false });
const once = { batch_size: 1, frames_number: 17, frame_rate: 24 };

const shared = { LTXVConditioning: [{ frame_rate: 24 }], LTXVEmptyLatentAudio: [once] };
const twice = (values: Values): Values[] => [values, values];
const DECODE = {
  '2.0': twice({ tile_size: 512, overlap: 64, temporal_size: 4096, temporal_overlap: 8 }),
  '2.3': twice({ tile_size: 768, overlap: 64, temporal_size: 4096, temporal_overlap: 4 }),
  '2.5': twice({ tile_size: 512, overlap: 64, temporal_size: 64, temporal_overlap: 16 }),
};
/** 2.0 was published with the extension's text encoder loader and decoder; these are ComfyUI's own, as in its blueprints. */
const checkpoint = (ckpt_name: string, text_encoder: string): Record<string, Values[]> => ({
  CheckpointLoaderSimple: [{ ckpt_name }],
  LTXVAudioVAELoader: [{ ckpt_name }],
  LTXAVTextEncoderLoader: [{ ckpt_name, text_encoder, device: 'default' }],
});

const DISTILLED_2_0: Record<string, Values[]> = {
  ...checkpoint('ltx-2-19b-distilled.safetensors', 'gemma_3_12B_it.safetensors'),
  ...shared,
  CLIPTextEncode: [{ text: 'PROMPT' }],
  CFGGuider: twice({ cfg: 1 }),
  KSamplerSelect: twice({ sampler_name: 'euler' }),
  ManualSigmas: [{ sigmas: THREE }, { sigmas: EIGHT }],
  LatentUpscaleModelLoader: [{ model_name: 'ltx-2-spatial-upscaler-x2-1.0.safetensors' }],
  VAEDecodeTiled: DECODE['2.0'],
};
const FULL_2_0: Record<string, Values[]> = {
  ...DISTILLED_2_0,
  ...checkpoint('ltx-2-19b-dev.safetensors', 'gemma_3_12B_it.safetensors'),
  CLIPTextEncode: [{ text: 'PROMPT' }, { text: NEGATIVE_2_0 }],
  CFGGuider: [{ cfg: 1 }, { cfg: 4 }],
  LTXVScheduler: [{ steps: 20, ...SCHEDULER }],
  // Published with `res_2s` of another extension.
  ManualSigmas: [{ sigmas: THREE }],
  LoraLoaderModelOnly: [lora('ltx-2-19b-distilled-lora-384.safetensors', 0.6)],
};
const IMAGE_2_0 = { LTXVPreprocess: [{ img_compression: 33 }], LTXVImgToVideoInplace: [image(0.6), image(1)] };

const LORA_2_3 = 'ltx-2.3-22b-distilled-lora-384-1.1.safetensors';
const DISTILLED_2_3: Record<string, Values[]> = {
  ...checkpoint('ltx-2.3-22b-dev.safetensors', 'comfy_gemma_3_12B_it.safetensors'),
  ...shared,
  CLIPTextEncode: [{ text: 'PROMPT' }, { text: NEGATIVE_2_3 }],
  CFGGuider: twice({ cfg: 1 }),
  KSamplerSelect: [{ sampler_name: 'euler_ancestral_cfg_pp' }, { sampler_name: 'euler_cfg_pp' }],
  ManualSigmas: [{ sigmas: THREE_2_3 }, { sigmas: EIGHT }],
  LoraLoaderModelOnly: twice(lora(LORA_2_3, 0.5)),
  LatentUpscaleModelLoader: [{ model_name: 'ltx-2.3-spatial-upscaler-x2-1.1.safetensors' }],
  VAEDecodeTiled: DECODE['2.3'],
};
const FULL_2_3: Record<string, Values[]> = {
  ...DISTILLED_2_3,
  CFGGuider: [{ cfg: 1 }],
  // The extension's MultimodalGuider with its rescaling in ComfyUI's own nodes, which do not rescale.
  LTXVDualCFGGuider: [{ video_cfg: 3, audio_cfg: 7 }],
  LTXVSpatioTemporalGuidance: [{ scale: 1, blocks: '28', start_percent: 0, end_percent: 1 }],
  LTXVModalityGuidance: [{ modality_scale: 3, start_percent: 0, end_percent: 1 }],
  // Published with a sampler of another extension.
  KSamplerSelect: [{ sampler_name: 'euler' }, { sampler_name: 'euler_cfg_pp' }],
  LTXVScheduler: [{ steps: 15, ...SCHEDULER }],
  ManualSigmas: [{ sigmas: THREE_2_3 }],
  LoraLoaderModelOnly: [lora(LORA_2_3, 0.2), lora(LORA_2_3, 0.5)],
};
const IMAGE_2_3 = { LTXVPreprocess: [{ img_compression: 18 }], LTXVImgToVideoInplace: [image(0.7), image(1)] };

const DISTILLED_2_5: Record<string, Values[]> = {
  ...shared,
  UNETLoader: [{ unet_name: 'ltx-2.5-22b-distilled-transformer-bf16.safetensors', weight_dtype: 'default' }],
  CLIPLoader: [{ clip_name: 'gemma4-12b-with-proj-ltx-2.5-bf16.safetensors', type: 'ltxv', device: 'default' }],
  VAELoader: [{ vae_name: 'ltx-2.5-audio-vae-bf16.safetensors' }, { vae_name: 'ltx-2.5-video-vae-bf16.safetensors' }],
  CLIPTextEncode: [{ text: 'PROMPT' }],
  CFGGuider: twice({ cfg: 1 }),
  KSamplerSelect: twice({ sampler_name: 'euler_ancestral' }),
  ManualSigmas: [{ sigmas: THREE_2_3 }, { sigmas: EIGHT }],
  LatentUpscaleModelLoader: [{ model_name: 'ltx-2.5-latent-spatial-upscaler-x2-bf16-1.0.safetensors' }],
  VAEDecodeTiled: DECODE['2.5'],
};

const GUIDE = { frame_idx: 0, strength: 1 };
const CANNY = { Canny: [{ low_threshold: 0.4, high_threshold: 0.8 }], LTXVAddGuide: [GUIDE] };
const UNION = 'ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors';
const { CFGGuider: _, ...WITHOUT_GUIDER } = DISTILLED_2_0;

const TABLE: [WorkflowName, FamilyName, Record<string, Values[]>, evaluations: number][] = [
  ['t2v-distilled', '2.0', DISTILLED_2_0, 8 + 3],
  ['t2v-full', '2.0', FULL_2_0, 20 * 2 + 3],
  ['i2v-distilled', '2.0', { ...DISTILLED_2_0, ...IMAGE_2_0 }, 8 + 3],
  ['i2v-full', '2.0', { ...FULL_2_0, ...IMAGE_2_0 }, 20 * 2 + 3],
  [
    'v2v-detailer',
    '2.0',
    {
      CheckpointLoaderSimple: [{ ckpt_name: 'ltx-2-19b-dev.safetensors' }],
      LTXAVTextEncoderLoader: FULL_2_0['LTXAVTextEncoderLoader'] ?? [],
      LTXVConditioning: [{ frame_rate: 24 }],
      // Published with an empty prompt on both sides.
      CLIPTextEncode: [{ text: 'PROMPT' }, { text: NEGATIVE_2_0 }],
      LoraLoaderModelOnly: [lora('ltx-2-19b-ic-lora-detailer.safetensors', 1)],
      VAEEncodeTiled: [{ tile_size: 512, overlap: 64, temporal_size: 500, temporal_overlap: 4 }],
      KSamplerSelect: [{ sampler_name: 'euler' }],
      ManualSigmas: [{ sigmas: THREE }],
      CFGGuider: [{ cfg: 1 }],
      LTXVLoopingSampler: [
        {
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
        },
      ],
      VAEDecodeTiled: [DECODE['2.0'][0] ?? {}],
    },
    3,
  ],
  [
    'ic-lora-distilled',
    '2.0',
    {
      ...WITHOUT_GUIDER,
      ...CANNY,
      BasicGuider: twice({}),
      LoraLoaderModelOnly: [lora('ltx-2-19b-ic-lora-canny-control.safetensors', 1)],
    },
    8 + 3,
  ],
  ['t2v-distilled', '2.3', DISTILLED_2_3, (8 + 3) * 2],
  ['t2v-full', '2.3', FULL_2_3, 15 * 4 + 3 * 2],
  ['i2v-distilled', '2.3', { ...DISTILLED_2_3, ...IMAGE_2_3 }, (8 + 3) * 2],
  ['i2v-full', '2.3', { ...FULL_2_3, ...IMAGE_2_3 }, 15 * 4 + 3 * 2],
  [
    'ic-lora-distilled',
    '2.3',
    // Published with one stage; ours adds the second one of the text workflow.
    { ...DISTILLED_2_3, ...CANNY, LoraLoaderModelOnly: [lora(UNION, 1), ...twice(lora(LORA_2_3, 0.5))] },
    (8 + 3) * 2,
  ],
  ['t2v-distilled', '2.5', DISTILLED_2_5, 8 + 3],
  ['i2v-distilled', '2.5', { ...DISTILLED_2_5, ...IMAGE_2_3 }, 8 + 3],
  ['ic-lora-distilled', '2.5', { ...DISTILLED_2_5, ...CANNY, LoraLoaderModelOnly: [lora(UNION, 1)] }, 8 + 3],
];

function graphOf(name: WorkflowName, model: FamilyName): Graph {
  const parameters = { ...readParameters(undefined), widthPx: 384, heightPx: 384, frames: 17, model };
  const input = { prompt: 'PROMPT', seed: 1, slice: 0, image: 'in.png', video: 'in.mp4' };
  const given = name.startsWith('i2v') ? input : { ...input, image: undefined };
  return ltxWorkflow(name, parameters).build(given, { memoryMode: 'none' }).graph;
}

/** Values by class, links left out, in an order that does not depend on the graph's. */
function valuesOf(graph: Graph): Record<string, Values[]> {
  const byClass: Record<string, Values[]> = {};
  for (const { class_type, inputs } of Object.values(graph)) {
    if (OURS.has(class_type)) continue;
    const values = Object.entries(inputs).filter(([, value]) => !isLink(value));
    if (values.length > 0 || class_type.endsWith('Guider'))
      (byClass[class_type] ??= []).push(Object.fromEntries(values));
  }
  return sorted(byClass);
}

const sorted = (byClass: Record<string, Values[]>): Record<string, Values[]> =>
  Object.fromEntries(
    Object.entries(byClass).map(([name, all]) => {
      const ordered = all.map((values) =>
        Object.fromEntries(Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      );
      return [name, ordered.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))];
    }),
  );

/** Evaluations of the model in a slice, by the rules of ComfyUI's samplers and guiders. */
function evaluationsOf(graph: Graph): number {
  const valueOf = (link: InputValue | undefined, name: string): InputValue | undefined =>
    isLink(link) ? graph[link[0]]?.inputs[name] : undefined;
  return Object.values(graph)
    .filter(({ class_type }) => /SamplerCustomAdvanced|LoopingSampler/.test(class_type))
    .reduce((sum, { inputs }) => {
      const sigmas = valueOf(inputs['sigmas'], 'sigmas');
      const steps =
        sigmas === undefined ? Number(valueOf(inputs['sigmas'], 'steps')) : String(sigmas).split(',').length - 1;
      const guider = isLink(inputs['guider']) ? graph[inputs['guider'][0]] : undefined;
      const evaluatesBoth = String(valueOf(inputs['sampler'], 'sampler_name')).endsWith('cfg_pp');
      // Two for the prompts, one without a block, one without the other modality.
      const dual = guider?.class_type === 'LTXVDualCFGGuider' ? 4 : undefined;
      return sum + steps * (dual ?? (evaluatesBoth || Number(guider?.inputs['cfg'] ?? 1) !== 1 ? 2 : 1));
    }, 0);
}

describe.each(TABLE)('%s of LTX-%s', (name, family, published, evaluations) => {
  it('has the published values, node by node', () => {
    expect(valuesOf(graphOf(name, family))).toEqual(sorted(published));
  });

  it(`evaluates the model ${evaluations} times a slice, as published`, () => {
    expect(evaluationsOf(graphOf(name, family))).toBe(evaluations);
  });
});
