/** The form of a model pack's `manifest.json`. */
import { z } from 'zod';
import { areSigmas } from '../../slices/schedule.ts';
import { TIERS } from '../../../picture/tiers.ts';

const count = z.int().positive();
const evenPx = count.multipleOf(2);
const words = z.array(z.string().min(1));

const tensor = z.object({
  name: z.string().min(1),
  type: z.enum(['int64', 'float32', 'uint8']),
  /** A number is a fixed dimension, a string the name of a free one. */
  shape: z.array(z.union([count, z.string().min(1)])),
});

const part = z.object({
  /** Relative to the pack's directory. */
  file: z.string().min(1),
  /** Name of a shipped pack that holds the file, so that two packs need not hold the same weights twice. */
  pack: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .optional(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: count,
  /** Numeric kind of the weights, e.g. `fp32`, `int8`. */
  variant: z.string().min(1),
  inputs: z.array(tensor).min(1),
  outputs: z.array(tensor).min(1),
  /** The same part with other weights, best first after the one above; pack-variants.ts chooses. */
  variants: z
    .array(
      z.object({
        file: z.string().min(1),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        bytes: count,
        variant: z.string().min(1),
      }),
    )
    .optional(),
});

export const manifestSchema = z.object({
  format: z.literal('glimpse-model-pack/1'),
  name: z.string().min(1),
  version: z.string().min(1),
  license: z.string().min(1),
  description: z.string(),
  slice: z.object({ frames: count, fps: z.number().positive() }),
  latent: z.object({ tokens: count, channels: count }),
  condition: z.object({
    width: count,
    /** Softmax groups of the condition; a field is one wider than its values, id 0 is "unspecified". */
    fields: z.array(
      z.object({
        name: z.string().min(1),
        offset: z.int().nonnegative(),
        values: words.min(1),
        /** If a prompt does not mention the field the seed chooses, unless another field has a value from `unless`. */
        open: z.object({ choices: words.min(1), unless: z.record(z.string(), words) }).optional(),
      }),
    ),
  }),
  tokenizer: z.object({
    kind: z.literal('hashed-words'),
    buckets: z.int().min(2),
    maxWords: count,
    featuresPerWord: count,
  }),
  vocabulary: words,
  examples: words,
  tiers: z
    .array(
      z.object({
        tier: z.enum(TIERS),
        widthPx: evenPx,
        heightPx: evenPx,
        /** Picture size of `fastRefiner`; only for `refined`. */
        fast: z.object({ widthPx: evenPx, heightPx: evenPx }).optional(),
      }),
    )
    .refine(
      (tiers) => tiers.length >= 3 && tiers.every(({ tier }, index) => tier === TIERS[index]),
      'draft, base, refined and perhaps upscaled, in this order',
    ),
  sampler: z
    .object({
      steps: count,
      sigmas: z.array(z.number()).refine(areSigmas, 'sigmas fall from 1 to 0'),
      guidance: z.number(),
      guidanceRange: z.tuple([z.number(), z.number()]),
    })
    .refine(({ steps, sigmas }) => sigmas.length === steps + 1, 'one more sigma than steps')
    .refine(
      ({ guidance, guidanceRange: [low, high] }) => low <= guidance && guidance <= high,
      'guidance within its range',
    ),
  noise: z.object({ particles: count, grainPx: count }),
  parts: z.object({
    text: part,
    denoiser: part,
    decoder: part,
    refiner: part,
    /** Makes `refined` from the same inputs faster, with fewer pixels. */
    fastRefiner: part.optional(),
    /** Makes the tier `upscaled`; a pack has both or neither. */
    upscaler: part.optional(),
  }),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type TensorSpec = z.infer<typeof tensor>;
export type Part = z.infer<typeof part>;
export type PartName = keyof Manifest['parts'];
