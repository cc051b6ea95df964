/**
 * Model files by name: which may stand for each other (the same weights in fewer bits), and where each is published. A
 * workflow names the first of a group; a server may have any.
 */
interface Published {
  /** Repository on huggingface.co. */
  repository: string;
  /** Folder below ComfyUI's `models/`. */
  folder: string;
  /** Folder within the repository, if any. */
  path?: string;
  /** The names, the first as the workflows call it. */
  names: readonly string[];
  /** Its publisher asks for consent to a licence before the download. */
  gated?: boolean;
}

const of = (repository: string, folder: string, ...names: string[]): Published => ({ repository, folder, names });
const lora = (repository: string, ...names: string[]): Published => of(repository, 'loras', ...names);
const ltx25 = (folder: string, ...names: string[]): Published => ({
  ...of('Lightricks/LTX-2.5', folder, ...names),
  path: folder,
  gated: true,
});

const PUBLISHED: readonly Published[] = [
  of('Lightricks/LTX-2', 'checkpoints', 'ltx-2-19b-dev.safetensors', 'ltx-2-19b-dev-fp8.safetensors'),
  of('Lightricks/LTX-2', 'checkpoints', 'ltx-2-19b-distilled.safetensors', 'ltx-2-19b-distilled-fp8.safetensors'),
  of('Lightricks/LTX-2', 'latent_upscale_models', 'ltx-2-spatial-upscaler-x2-1.0.safetensors'),
  lora('Lightricks/LTX-2', 'ltx-2-19b-distilled-lora-384.safetensors'),
  of('Lightricks/LTX-2.3', 'checkpoints', 'ltx-2.3-22b-dev.safetensors', 'ltx-2.3-22b-dev-fp8.safetensors'),
  of(
    'Lightricks/LTX-2.3',
    'latent_upscale_models',
    'ltx-2.3-spatial-upscaler-x2-1.1.safetensors',
    'ltx-2.3-spatial-upscaler-x2-1.0.safetensors',
  ),
  lora(
    'Lightricks/LTX-2.3',
    'ltx-2.3-22b-distilled-lora-384-1.1.safetensors',
    'ltx-2.3-22b-distilled-lora-384.safetensors',
  ),
  {
    // One text encoder under the two names of its publishers.
    ...of(
      'Comfy-Org/ltx-2',
      'text_encoders',
      'gemma_3_12B_it.safetensors',
      'comfy_gemma_3_12B_it.safetensors',
      'gemma_3_12B_it_fp8_scaled.safetensors',
      'gemma_3_12B_it_fp4_mixed.safetensors',
    ),
    path: 'split_files/text_encoders',
  },
  ltx25(
    'diffusion_models',
    'ltx-2.5-22b-distilled-transformer-bf16.safetensors',
    'ltx-2.5-22b-distilled-transformer-comfy-int8-convrot.safetensors',
    'ltx-2.5-22b-distilled-transformer-nvfp4.safetensors',
  ),
  ltx25(
    'text_encoders',
    'gemma4-12b-with-proj-ltx-2.5-bf16.safetensors',
    'gemma4-12b-with-proj-ltx-2.5-comfy-int8-convrot.safetensors',
  ),
  ltx25('vae', 'ltx-2.5-video-vae-bf16.safetensors', 'ltx-2.5-video-vae-conv-bf16.safetensors'),
  ltx25('vae', 'ltx-2.5-audio-vae-bf16.safetensors'),
  ltx25('latent_upscale_models', 'ltx-2.5-latent-spatial-upscaler-x2-bf16-1.0.safetensors'),
  lora('Lightricks/LTX-2-19b-IC-LoRA-Canny-Control', 'ltx-2-19b-ic-lora-canny-control.safetensors'),
  lora('Lightricks/LTX-2-19b-IC-LoRA-Depth-Control', 'ltx-2-19b-ic-lora-depth-control.safetensors'),
  lora('Lightricks/LTX-2-19b-IC-LoRA-Pose-Control', 'ltx-2-19b-ic-lora-pose-control.safetensors'),
  lora('Lightricks/LTX-2-19b-IC-LoRA-Detailer', 'ltx-2-19b-ic-lora-detailer.safetensors'),
  ...['Dolly-In', 'Dolly-Left', 'Dolly-Out', 'Dolly-Right', 'Jib-Down', 'Jib-Up', 'Static'].map((move) =>
    lora(
      `Lightricks/LTX-2-19b-LoRA-Camera-Control-${move}`,
      `ltx-2-19b-lora-camera-control-${move.toLowerCase()}.safetensors`,
    ),
  ),
  lora('Lightricks/LTX-2.3-22b-IC-LoRA-Union-Control', 'ltx-2.3-22b-ic-lora-union-control-ref0.5.safetensors'),
  lora(
    'Lightricks/LTX-2.3-22b-IC-LoRA-Motion-Track-Control',
    'ltx-2.3-22b-ic-lora-motion-track-control-ref0.5.safetensors',
  ),
  lora('Lightricks/LTX-2.3-22b-IC-LoRA-In-Outpainting', 'ltx-2.3-22b-ic-lora-in-outpainting-0.9.safetensors'),
  lora('Lightricks/LTX-2.3-22b-IC-LoRA-Ingredients', 'ltx-2.3-22b-ic-lora-ingredients-0.9.safetensors'),
  lora(
    'Lightricks/LTX-2.3-22b-IC-LoRA-Pixel-Spatial-Upscaler',
    'ltx-2.3-22b-ic-lora-pixel-spatial-upscaler-x4-0.9.safetensors',
  ),
  {
    ...lora('Lightricks/LTX-2.5-22b-IC-LoRA-Ingredients', 'ltx-2.5-22b-ic-lora-ingredients-0.9.safetensors'),
    gated: true,
  },
  {
    ...lora(
      'Lightricks/LTX-2.5-22b-IC-LoRA-Pixel-Spatial-Upscaler',
      'ltx-2.5-22b-ic-lora-pixel-spatial-upscaler-x2-1.0.safetensors',
    ),
    gated: true,
  },
];

const groupOf = (name: string): Published | undefined => PUBLISHED.find(({ names }) => names.includes(name));

/** The last part of a name that has folders in it, in either system's spelling. */
const baseOf = (name: string): string => name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);

/**
 * The server's name for a file: itself, the same in a subfolder, or one that may stand for it.
 * @returns undefined if there is none
 */
export function nameAmong(wanted: string, choices: readonly unknown[]): string | undefined {
  const names = choices.filter((choice) => typeof choice === 'string');
  for (const name of [wanted, ...(groupOf(wanted)?.names ?? [])]) {
    const found = names.includes(name) ? name : names.find((choice) => baseOf(choice) === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where to fetch a file and where to put it; undefined for files that we do not know. */
export function downloadOf(name: string): string | undefined {
  const published = groupOf(baseOf(name));
  if (published === undefined) return undefined;
  const { repository, folder, path, gated } = published;
  const file = path === undefined ? baseOf(name) : `${path}/${baseOf(name)}`;
  const consent = gated === true ? ', after agreeing to its licence there' : '';
  return `fetch ${file} of huggingface.co/${repository} into models/${folder}${consent}`;
}
