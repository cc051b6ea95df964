/**
 * Lets the seed decide what a prompt leaves open. Asked for "a red ball" without a motion, a model draws all motions at
 * once and the ball smears; with one motion chosen it does not. The pack says which fields are open and with which
 * values. A seed chooses the same value whatever the rest of the prompt says. Pure.
 */
import { openFieldsRandom } from '../../slices/noise.ts';
import type { Manifest } from '../pack/model-pack.ts';

type Condition = Manifest['condition'];
type Field = Condition['fields'][number];

/** Decides every open field of `condition` ([width], not changed) that has choices and is not moot. */
export function decideOpenFields(
  condition: Float32Array,
  { fields }: Pick<Condition, 'fields'>,
  seed: number,
): Float32Array {
  const random = openFieldsRandom(seed);
  const decided = condition.slice();
  for (const field of fields) {
    if (field.open === undefined) continue;
    const { choices, unless } = field.open;
    const choice = choices[Math.floor(random.uniform() * choices.length)] ?? '';
    const isMoot = fields.some((other) => unless[other.name]?.includes(likeliest(condition, other) ?? ''));
    if (isMoot || likeliest(condition, field) !== undefined) continue;
    decided.fill(0, field.offset, field.offset + field.values.length + 1);
    decided[field.offset + 1 + field.values.indexOf(choice)] = 1;
  }
  return decided;
}

/** The field's likeliest value; undefined when that is "unspecified". `probabilities`: [width]. */
export function likeliest(probabilities: Float32Array, { offset, values }: Field): string | undefined {
  let best = 0;
  for (let id = 1; id <= values.length; id++)
    if ((probabilities[offset + id] as number) > (probabilities[offset + best] as number)) best = id;
  return values[best - 1];
}
