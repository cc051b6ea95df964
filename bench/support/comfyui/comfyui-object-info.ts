/**
 * What a ComfyUI with the LTXVideo extension says its nodes take: `/object_info` entries of the nodes that the workflows
 * use, in the server's two spellings (a list of choices first, or `COMBO` with options), reduced to inputs and outputs.
 * Taken from a running ComfyUI 0.20.1; what is newer (`GetICLoRAParameters`, the guiders of LTX-2.3) from the node
 * definitions of Comfy-Org/ComfyUI of autumn 2026, and the extension's from Lightricks/ComfyUI-LTXVideo.
 */
import type { NodeInfo, ObjectInfo } from '../../../src/generation/comfyui/server/wire.ts';

type Inputs = Record<string, unknown[]>;

const node = (required: Inputs, output: string[], optional: Inputs = {}, output_node = false): NodeInfo => ({
  input: { required, optional },
  output,
  output_node,
});

const INT = (min: number, max: number, step = 1): unknown[] => ['INT', { min, max, step }];
const FLOAT = (min: number, max: number): unknown[] => ['FLOAT', { min, max }];
const BOOLEAN: unknown[] = ['BOOLEAN', {}];
const STRING: unknown[] = ['STRING', { multiline: true }];
const combo = (...options: string[]): unknown[] => ['COMBO', { multiselect: false, options }];
const choice = (...options: string[]): unknown[] => [options];
const of = (type: string): unknown[] => [type];

export const MODEL_NAMES = {
  checkpoints: [
    'ltx-2-19b-distilled.safetensors',
    'ltx-2-19b-dev.safetensors',
    'ltx-2-19b-distilled-fp8.safetensors',
    'ltx-2.3-22b-dev.safetensors',
    'ltx-2.3-22b-distilled-1.1.safetensors',
  ],
  transformers: ['ltx-2.5-22b-distilled-transformer-bf16.safetensors'],
  vaes: ['ltx-2.5-video-vae-bf16.safetensors', 'ltx-2.5-audio-vae-bf16.safetensors', 'pixel_space'],
  loras: [
    'ltx-2-19b-distilled-lora-384.safetensors',
    'ltx-2-19b-ic-lora-detailer.safetensors',
    'ltx-2-19b-ic-lora-canny-control.safetensors',
    'ltx-2-19b-ic-lora-depth-control.safetensors',
    'ltx-2-19b-ic-lora-pose-control.safetensors',
    'ltx-2-19b-lora-camera-control-dolly-in.safetensors',
    'ltx-2.3-22b-distilled-lora-384-1.1.safetensors',
    'ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors',
    'ltx-2.3-22b-ic-lora-motion-track-control-ref0.5.safetensors',
    'ltx-2.3-22b-ic-lora-in-outpainting-0.9.safetensors',
    'ltx-2.3-22b-ic-lora-ingredients-0.9.safetensors',
    'ltx-2.3-22b-ic-lora-pixel-spatial-upscaler-x4-0.9.safetensors',
    'ltx-2.5-22b-ic-lora-ingredients-0.9.safetensors',
    'ltx-2.5-22b-ic-lora-pixel-spatial-upscaler-x2-1.0.safetensors',
  ],
  textEncoders: [
    'gemma_3_12B_it.safetensors',
    'comfy_gemma_3_12B_it.safetensors',
    'gemma4-12b-with-proj-ltx-2.5-bf16.safetensors',
  ],
  upscalers: [
    'ltx-2-spatial-upscaler-x2-1.0.safetensors',
    'ltx-2.3-spatial-upscaler-x2-1.1.safetensors',
    'ltx-2.5-latent-spatial-upscaler-x2-bf16-1.0.safetensors',
  ],
};

const { checkpoints, transformers, vaes, loras, textEncoders, upscalers } = MODEL_NAMES;
const SIDE = INT(0, 16_384);
const CONDITIONED = { positive: of('CONDITIONING'), negative: of('CONDITIONING') };
const SCALING = choice('nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos');

export const OBJECT_INFO: ObjectInfo = {
  BasicGuider: node({ model: of('MODEL'), conditioning: of('CONDITIONING') }, ['GUIDER']),
  CFGGuider: node({ model: of('MODEL'), ...CONDITIONED, cfg: FLOAT(0, 100) }, ['GUIDER']),
  CLIPLoader: node({ clip_name: choice(...textEncoders), type: choice('stable_diffusion', 'ltxv', 'wan') }, ['CLIP'], {
    device: choice('default', 'cpu'),
  }),
  CLIPTextEncode: node({ text: STRING, clip: of('CLIP') }, ['CONDITIONING']),
  Canny: node({ image: of('IMAGE'), low_threshold: FLOAT(0.01, 0.99), high_threshold: FLOAT(0.01, 0.99) }, ['IMAGE']),
  CheckpointLoaderSimple: node({ ckpt_name: choice(...checkpoints) }, ['MODEL', 'CLIP', 'VAE']),
  EmptyImage: node(
    { width: INT(1, 16_384), height: INT(1, 16_384), batch_size: INT(1, 4096), color: INT(0, 0xff_ff_ff) },
    ['IMAGE'],
  ),
  EmptyLTXVLatentVideo: node(
    { width: INT(64, 16_384, 32), height: INT(64, 16_384, 32), length: INT(1, 16_384, 8), batch_size: INT(1, 4096) },
    ['LATENT'],
  ),
  GetICLoRAParameters: node({ iclora_model: of('MODEL') }, ['IC_LORA_PARAMETERS']),
  GetVideoComponents: node({ video: of('VIDEO') }, ['IMAGE', 'AUDIO', 'FLOAT']),
  ImageBatch: node({ image1: of('IMAGE'), image2: of('IMAGE') }, ['IMAGE']),
  ImageCompositeMasked: node({ source: of('IMAGE'), x: SIDE, y: SIDE, resize_source: BOOLEAN }, ['IMAGE'], {
    destination: of('IMAGE'),
    mask: of('MASK'),
  }),
  ImageFromBatch: node({ image: of('IMAGE'), batch_index: INT(0, 4095), length: INT(1, 4096) }, ['IMAGE']),
  ImageScale: node(
    {
      image: of('IMAGE'),
      upscale_method: SCALING,
      width: SIDE,
      height: SIDE,
      crop: choice('disabled', 'center'),
    },
    ['IMAGE'],
  ),
  ImagePadForOutpaint: node(
    { image: of('IMAGE'), left: SIDE, top: SIDE, right: SIDE, bottom: SIDE, feathering: SIDE },
    ['IMAGE', 'MASK'],
  ),
  ImageToMask: node({ image: of('IMAGE'), channel: choice('red', 'green', 'blue', 'alpha') }, ['MASK']),
  KSamplerSelect: node(
    { sampler_name: combo('euler', 'euler_cfg_pp', 'euler_ancestral', 'euler_ancestral_cfg_pp', 'res_multistep') },
    ['SAMPLER'],
  ),
  LTXAVTextEncoderLoader: node(
    {
      text_encoder: combo(...textEncoders),
      ckpt_name: combo(...checkpoints),
      device: combo('default', 'cpu'),
    },
    ['CLIP'],
  ),
  LTXVAddGuide: node(
    {
      ...CONDITIONED,
      vae: of('VAE'),
      latent: of('LATENT'),
      image: of('IMAGE'),
      frame_idx: INT(-9999, 9999),
      strength: FLOAT(0, 10),
    },
    ['CONDITIONING', 'CONDITIONING', 'LATENT'],
    { attention_mask: of('MASK'), iclora_parameters: of('IC_LORA_PARAMETERS') },
  ),
  LTXVAudioVAEDecode: node({ samples: of('LATENT'), audio_vae: of('VAE') }, ['AUDIO']),
  LTXVAudioVAELoader: node({ ckpt_name: combo(...checkpoints) }, ['VAE']),
  LTXVConcatAVLatent: node({ video_latent: of('LATENT'), audio_latent: of('LATENT') }, ['LATENT']),
  LTXVConditioning: node({ ...CONDITIONED, frame_rate: FLOAT(0, 1000) }, ['CONDITIONING', 'CONDITIONING']),
  LTXVCropGuides: node({ ...CONDITIONED, latent: of('LATENT') }, ['CONDITIONING', 'CONDITIONING', 'LATENT']),
  LTXVDrawTracks: node({ tracks: STRING, width: INT(8, 8192, 8), height: INT(8, 8192, 8) }, ['IMAGE']),
  LTXVDualCFGGuider: node({ model: of('MODEL'), ...CONDITIONED, video_cfg: FLOAT(0, 100), audio_cfg: FLOAT(0, 100) }, [
    'GUIDER',
  ]),
  LTXVEmptyLatentAudio: node(
    {
      frames_number: INT(1, 1000),
      frame_rate: ['FLOAT,INT', { min: 1, max: 1000 }],
      batch_size: INT(1, 4096),
      audio_vae: of('VAE'),
    },
    ['LATENT'],
  ),
  LTXVImgToVideoInplace: node(
    { vae: of('VAE'), image: of('IMAGE'), latent: of('LATENT'), strength: FLOAT(0, 1), bypass: BOOLEAN },
    ['LATENT'],
  ),
  LTXVLatentUpsampler: node({ samples: of('LATENT'), upscale_model: of('LATENT_UPSCALE_MODEL'), vae: of('VAE') }, [
    'LATENT',
  ]),
  LTXVLoopingSampler: node(
    {
      model: of('MODEL'),
      vae: of('VAE'),
      noise: of('NOISE'),
      sampler: of('SAMPLER'),
      sigmas: of('SIGMAS'),
      guider: of('GUIDER'),
      latents: of('LATENT'),
      temporal_tile_size: INT(24, 1000, 8),
      temporal_overlap: INT(16, 80, 8),
      guiding_strength: FLOAT(0, 1),
      temporal_overlap_cond_strength: FLOAT(0, 1),
      cond_image_strength: FLOAT(0, 1),
      horizontal_tiles: INT(1, 6),
      vertical_tiles: INT(1, 6),
      spatial_overlap: INT(1, 8),
    },
    ['LATENT'],
    {
      optional_cond_images: of('IMAGE'),
      optional_guiding_latents: of('LATENT'),
      adain_factor: FLOAT(0, 1),
      guiding_start_step: INT(0, 1000),
      guiding_end_step: INT(0, 1000),
      optional_cond_image_indices: STRING,
    },
  ),
  LTXVModalityGuidance: node(
    { model: of('MODEL'), modality_scale: FLOAT(1, 100), start_percent: FLOAT(0, 1), end_percent: FLOAT(0, 1) },
    ['MODEL'],
  ),
  LTXVPreprocess: node({ image: of('IMAGE'), img_compression: INT(0, 100) }, ['IMAGE']),
  LTXVReferenceAudio: node(
    {
      model: of('MODEL'),
      ...CONDITIONED,
      reference_audio: of('AUDIO'),
      audio_vae: of('VAE'),
      identity_guidance_scale: FLOAT(0, 100),
      start_percent: FLOAT(0, 1),
      end_percent: FLOAT(0, 1),
    },
    ['MODEL', 'CONDITIONING', 'CONDITIONING'],
  ),
  LTXVScheduler: node(
    {
      steps: INT(1, 10_000),
      max_shift: FLOAT(0, 100),
      base_shift: FLOAT(0, 100),
      stretch: BOOLEAN,
      terminal: FLOAT(0, 0.99),
    },
    ['SIGMAS'],
    { latent: of('LATENT') },
  ),
  LTXVSeparateAVLatent: node({ av_latent: of('LATENT') }, ['LATENT', 'LATENT']),
  LTXVSpatioTemporalGuidance: node(
    {
      model: of('MODEL'),
      scale: FLOAT(0, 100),
      blocks: STRING,
      start_percent: FLOAT(0, 1),
      end_percent: FLOAT(0, 1),
    },
    ['MODEL'],
  ),
  LatentUpscaleModelLoader: node({ model_name: combo(...upscalers) }, ['LATENT_UPSCALE_MODEL']),
  // Which files there are, the server looks up when it validates; this list is of its start.
  LoadAudio: node({ audio: ['COMBO', { options: ['voice.wav'], audio_upload: true }] }, ['AUDIO']),
  LoadImage: node({ image: [['example.png'], { image_upload: true }] }, ['IMAGE', 'MASK']),
  LoadVideo: node({ file: ['COMBO', { options: ['example.mp4'], video_upload: true }] }, ['VIDEO']),
  LoraLoaderModelOnly: node({ model: of('MODEL'), lora_name: choice(...loras), strength_model: FLOAT(-100, 100) }, [
    'MODEL',
  ]),
  ManualSigmas: node({ sigmas: STRING }, ['SIGMAS']),
  MaskComposite: node(
    {
      destination: of('MASK'),
      source: of('MASK'),
      x: SIDE,
      y: SIDE,
      operation: choice('multiply', 'add', 'subtract', 'and', 'or', 'xor'),
    },
    ['MASK'],
  ),
  MaskToImage: node({ mask: of('MASK') }, ['IMAGE']),
  PreviewAudio: node({ audio: of('AUDIO') }, [], {}, true),
  RandomNoise: node({ noise_seed: INT(0, Number.MAX_SAFE_INTEGER) }, ['NOISE']),
  RepeatImageBatch: node({ image: of('IMAGE'), amount: INT(1, 4096) }, ['IMAGE']),
  SamplerCustomAdvanced: node(
    {
      noise: of('NOISE'),
      guider: of('GUIDER'),
      sampler: of('SAMPLER'),
      sigmas: of('SIGMAS'),
      latent_image: of('LATENT'),
    },
    ['LATENT', 'LATENT'],
  ),
  SaveImageWebsocket: node({ images: of('IMAGE') }, [], {}, true),
  SetLatentNoiseMask: node({ samples: of('LATENT'), mask: of('MASK') }, ['LATENT']),
  SolidMask: node({ value: FLOAT(0, 1), width: INT(1, 16_384), height: INT(1, 16_384) }, ['MASK']),
  UNETLoader: node(
    {
      unet_name: choice(...transformers),
      weight_dtype: choice('default', 'fp8_e4m3fn', 'fp8_e4m3fn_fast', 'fp8_e5m2'),
    },
    ['MODEL'],
  ),
  VAEDecode: node({ samples: of('LATENT'), vae: of('VAE') }, ['IMAGE']),
  VAEDecodeTiled: node(
    {
      samples: of('LATENT'),
      vae: of('VAE'),
      tile_size: INT(64, 4096, 32),
      overlap: INT(0, 4096, 32),
      temporal_size: INT(8, 4096, 4),
      temporal_overlap: INT(4, 4096, 4),
    },
    ['IMAGE'],
  ),
  VAELoader: node({ vae_name: choice(...vaes) }, ['VAE']),
  VAEEncodeTiled: node(
    {
      pixels: of('IMAGE'),
      vae: of('VAE'),
      tile_size: INT(64, 4096, 64),
      overlap: INT(0, 4096, 32),
      temporal_size: INT(8, 4096, 4),
      temporal_overlap: INT(4, 4096, 4),
    },
    ['LATENT'],
  ),
};
