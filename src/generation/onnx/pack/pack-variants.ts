/**
 * A pack may hold a part several times, with different weights: fp32, fp16-weights, int8. One of each is chosen before
 * anything is loaded, by name or so that all of them fit the memory budget. Pure.
 */
import { GlimpseError } from '../../../errors.ts';
import { partsOf, type Manifest, type Part } from './model-pack.ts';
import { chooseVariants } from '../runtime/part-memory.ts';

export const AUTO_VARIANT = 'auto';

export interface VariantChoice {
  /** Kind of weights for every part that has it, or `auto`. */
  variant: string;
  /** For all parts together. */
  budgetBytes: number;
}

/** 16-bit weights take 32 bits in memory, where CPUs compute; measured on the embedded packs. */
export const residentBytes = ({ variant, bytes }: Pick<Part, 'variant' | 'bytes'>): number =>
  variant === 'fp16-weights' ? 2 * bytes : bytes;

/** All kinds of a part, best first. */
const kindsOf = ({ variants = [], ...main }: Part): Omit<Part, 'variants'>[] => [
  main,
  ...variants.map((other) => ({ ...main, ...other })),
];

/**
 * The manifest with one variant of each part.
 * @throws GlimpseError CONFIG_INVALID if no part has the variant asked for
 */
export function withVariants(manifest: Manifest, { variant, budgetBytes }: VariantChoice): Manifest {
  const parts = partsOf(manifest).map(([name, part]) => ({ name, kinds: kindsOf(part) }));
  const chosen =
    variant === AUTO_VARIANT
      ? chooseVariants(
          parts.map(({ kinds }) =>
            kinds.map((kind) => ({ variant: kind.variant, residentBytes: residentBytes(kind) })),
          ),
          budgetBytes,
        )
      : parts.map(({ kinds }) => kinds.findIndex((kind) => kind.variant === variant));
  if (chosen.every((index) => index < 0)) {
    const known = [...new Set(parts.flatMap(({ kinds }) => kinds.map((kind) => kind.variant)))];
    const message = `The pack ${manifest.name} has no variant "${variant}": there are ${known.join(', ')}.`;
    throw new GlimpseError('CONFIG_INVALID', { message, details: { variant, known } });
  }
  const entries = parts.map(({ name, kinds }, index) => [
    name,
    { ...kinds[Math.max(0, chosen[index] ?? 0)], variants: [] },
  ]);
  return { ...manifest, parts: Object.fromEntries(entries) as Manifest['parts'] };
}
