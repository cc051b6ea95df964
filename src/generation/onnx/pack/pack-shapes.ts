/**
 * Checks that a manifest agrees with itself: derives the tensors of every part from slice, latent, condition,
 * tokenizer, tiers and noise, and compares them with those the manifest lists. Pure.
 */
import { i420Bytes } from '../../../picture/frame.ts';
import { packError } from './pack-error.ts';
import type { Manifest, Part, PartName, TensorSpec } from './manifest.ts';

type Field = Manifest['condition']['fields'][number];
type Tensors = readonly (readonly [name: string, type: TensorSpec['type'], ...shape: (number | string)[]])[];

/** @throws GlimpseError MODEL_INVALID with details `{ part, expected, found }` at the first disagreement. */
export function checkShapes(manifest: Manifest): void {
  checkFields(manifest);
  checkSizes(manifest);
  checkFast(manifest);
  for (const [name, { inputs, outputs }] of Object.entries(expectedTensors(manifest)) as [PartName, PartTensors][]) {
    const part = manifest.parts[name] as Part;
    checkTensors(name, 'inputs', inputs, part.inputs);
    checkTensors(name, 'outputs', outputs, part.outputs);
  }
}

interface PartTensors {
  inputs: Tensors;
  outputs: Tensors;
}

/** The tensors every part must have: `b` is the batch, `k` the number of frames asked for. */
function expectedTensors(manifest: Manifest): Partial<Record<PartName, PartTensors>> {
  const { latent, condition, tokenizer, tiers, noise, slice } = manifest;
  const [, base = 0, refined = 0, upscaled] = tiers.map(({ widthPx, heightPx }) => i420Bytes(widthPx, heightPx));
  // ONNX forbids an input and an output of the same name, so the pack chooses the name of this input.
  const refinedInput = manifest.parts.upscaler?.inputs[0]?.name ?? 'refined';
  const latentShape = ['b', latent.tokens, latent.channels] as const;
  const prior = [
    ['latent', 'float32', ...latentShape],
    ['previous', 'float32', ...latentShape],
    ['has_previous', 'float32', 'b'],
  ] as const;
  const fields = ['condition', 'float32', 'b', condition.width] as const;
  const refining = [
    ...prior,
    fields,
    ['particles', 'float32', 'b', noise.particles, 3],
    ['grain', 'float32', 'b', 1, noise.grainPx, noise.grainPx],
    ['time_s', 'float32', 'b'],
    ['frames', 'int64', 'k'],
  ] as const;
  const fast = fastOf(manifest);
  return {
    text: {
      inputs: [['ids', 'int64', 'b', tokenizer.maxWords, tokenizer.featuresPerWord]],
      outputs: [fields, ['probabilities', 'float32', 'b', condition.width]],
    },
    denoiser: {
      inputs: [
        ...prior,
        fields,
        ['sigma', 'float32', 'b'],
        ['sigma_next', 'float32', 'b'],
        ['guidance', 'float32', 'b'],
      ],
      outputs: [
        ['denoised', 'float32', ...latentShape],
        ['latent_next', 'float32', ...latentShape],
      ],
    },
    decoder: {
      inputs: [['latent', 'float32', ...latentShape]],
      outputs: [['i420', 'uint8', 'b', slice.frames, base]],
    },
    refiner: { inputs: refining, outputs: [['i420', 'uint8', 'b', 'k', refined]] },
    ...(fast === undefined
      ? {}
      : {
          fastRefiner: {
            inputs: refining,
            outputs: [['i420', 'uint8', 'b', 'k', i420Bytes(fast.widthPx, fast.heightPx)]],
          },
        }),
    ...(upscaled === undefined
      ? {}
      : { upscaler: { inputs: [[refinedInput, 'uint8', 'k', refined]], outputs: [['i420', 'uint8', 'k', upscaled]] } }),
  };
}

/** Same names in any order; types equal; fixed dimensions equal; a free dimension is free on both sides. */
function checkTensors(part: PartName, side: string, expected: Tensors, found: readonly TensorSpec[]): void {
  const names = expected
    .map(([name]) => name)
    .toSorted()
    .join();
  const foundNames = found
    .map(({ name }) => name)
    .toSorted()
    .join();
  if (names !== foundNames) throw packError(part, `${side} ${names}`, foundNames);
  for (const [name, type, ...shape] of expected) {
    const tensor = found.find((candidate) => candidate.name === name) as TensorSpec;
    const fits =
      tensor.type === type &&
      tensor.shape.length === shape.length &&
      shape.every((size, axis) => fitsAxis(size, tensor.shape[axis]));
    if (!fits) throw packError(part, describe(name, type, shape), describe(name, tensor.type, tensor.shape));
  }
}

const fitsAxis = (expected: number | string, found: number | string | undefined): boolean =>
  typeof expected === 'string' ? typeof found === 'string' : expected === found;

const describe = (name: string, type: string, shape: readonly (number | string)[]): string =>
  `${name} ${type} [${shape.join(', ')}]`;

/** The fields are contiguous and fill the condition. */
function checkFields({ condition }: Manifest): void {
  let offset = 0;
  for (const field of condition.fields) {
    if (field.offset !== offset) throw packError('condition', `field ${field.name} at ${offset}`, `${field.offset}`);
    offset += field.values.length + 1;
    checkOpen(field, condition.fields);
  }
  if (offset !== condition.width) throw packError('condition', `width ${offset}`, `${condition.width}`);
}

/** The seed's choices must be values of the field, and `unless` must name values of other fields. */
function checkOpen({ name, values, open }: Field, fields: readonly Field[]): void {
  const stranger = open?.choices.find((choice) => !values.includes(choice));
  if (stranger !== undefined) throw packError('condition', `${name}: one of ${values.join(', ')}`, stranger);
  for (const [other, those] of Object.entries(open?.unless ?? {})) {
    const known = fields.find((field) => field.name === other)?.values ?? [];
    const unknown = those.find((value) => !known.includes(value));
    if (unknown !== undefined) throw packError('condition', `${name}: unless a value of ${other}`, unknown);
  }
}

const fastOf = ({ tiers }: Pick<Manifest, 'tiers'>) => tiers.find(({ tier }) => tier === 'refined')?.fast;

/** The fast refiner and its size require each other; the size is between base and refined. */
function checkFast({ tiers, parts }: Manifest): void {
  const other = tiers.find(({ tier, fast }) => fast !== undefined && tier !== 'refined');
  if (other) throw packError('tiers', 'a fast size of refined alone', other.tier);
  const fast = fastOf({ tiers });
  if (fast && !parts.fastRefiner) throw packError('fastRefiner', 'a part for the fast size of refined', 'none');
  if (!fast && parts.fastRefiner) throw packError('tiers', 'a fast size of refined for the part fastRefiner', 'none');
  const [, base, refined] = tiers;
  if (!fast || !base || !refined) return;
  const fits =
    fast.widthPx >= base.widthPx &&
    fast.heightPx >= base.heightPx &&
    fast.widthPx <= refined.widthPx &&
    fast.heightPx <= refined.heightPx;
  if (!fits)
    throw packError(
      'tiers',
      `a fast size from ${base.widthPx}x${base.heightPx} to ${refined.widthPx}x${refined.heightPx}`,
      `${fast.widthPx}x${fast.heightPx}`,
    );
}

/** Draft and base share a decoder; no tier is smaller than the one below; upscaler and its tier require each other. */
function checkSizes({ tiers, parts }: Manifest): void {
  const [draft, base] = tiers;
  if (draft?.widthPx !== base?.widthPx || draft?.heightPx !== base?.heightPx)
    throw packError('tiers', `a draft of ${base?.widthPx}x${base?.heightPx}`, `${draft?.widthPx}x${draft?.heightPx}`);
  for (const [index, { tier, widthPx, heightPx }] of tiers.entries()) {
    const below = tiers[index - 1];
    if (below && (widthPx < below.widthPx || heightPx < below.heightPx))
      throw packError('tiers', `${tier} no smaller than ${below.tier}`, `${widthPx}x${heightPx}`);
  }
  const hasTier = tiers.some(({ tier }) => tier === 'upscaled');
  if (hasTier && !parts.upscaler) throw packError('upscaler', 'a part for the tier upscaled', 'none');
  if (!hasTier && parts.upscaler) throw packError('tiers', 'the tier upscaled for the part upscaler', 'none');
}
