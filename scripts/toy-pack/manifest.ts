/** `manifest.json` of the toy pack: what the loader reads, next to the graphs that it describes. */
import { createHash } from 'node:crypto';
import type { Manifest, Part, TensorSpec } from '../../src/generation/onnx/pack/model-pack.ts';
import type { Graph, GraphTensor } from './onnx-file.ts';
import { COLOURS, CONDITION_WIDTH, FPS, FRAMES, LATENT, NOISE, SIZES, TOKENIZER } from './parts.ts';

/** One sigma more than steps, from 1 (noise) to 0 (picture). */
const SIGMAS = [1, 0.6, 0];

export type ToyParts = Manifest['parts'];

export function partEntry({ name, inputs, outputs }: Graph, file: Uint8Array): Part {
  return {
    file: `${name}.onnx`,
    sha256: createHash('sha256').update(file).digest('hex'),
    bytes: file.length,
    variant: 'fp32',
    inputs: inputs.map(packTensor),
    outputs: outputs.map(packTensor),
  };
}

/** Packs hold no 16-bit floats, no 32-bit integers and no booleans. */
function packTensor({ name, type, shape }: GraphTensor): TensorSpec {
  if (type === 'float16' || type === 'int32' || type === 'bool') throw new TypeError(`${name}: ${type} in a pack`);
  return { name, type, shape };
}

export function toyManifest(parts: ToyParts): Manifest {
  const tiers = (['draft', 'base', 'refined', 'upscaled'] as const).slice(0, parts.upscaler ? 4 : 3);
  const colours = Object.keys(COLOURS);
  return {
    format: 'glimpse-model-pack/1',
    name: 'toy',
    version: '1.0.0',
    license: 'MIT',
    description: 'Paints the colour that the prompt names. Shows what a model pack is made of, and nothing else.',
    slice: { frames: FRAMES, fps: FPS },
    latent: LATENT,
    condition: { width: CONDITION_WIDTH, fields: [{ name: 'color', offset: 0, values: colours }] },
    tokenizer: TOKENIZER,
    vocabulary: colours,
    examples: colours,
    tiers: tiers.map((tier) => ({ tier, widthPx: SIZES[tier], heightPx: SIZES[tier] })),
    sampler: { steps: SIGMAS.length - 1, sigmas: SIGMAS, guidance: 1, guidanceRange: [1, 1] },
    noise: NOISE,
    parts,
  };
}
