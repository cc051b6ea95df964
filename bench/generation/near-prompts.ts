/** Pairs of prompts that differ in one or more words, for measures of the latent cache: drawn from a seed, the same everywhere. Pure. */
import { createRandom } from '../../src/generation/slices/noise.ts';

/** What a prompt stands for, and what it says. */
export interface Spoken {
  text: string;
  fields: Record<string, string>;
}

export interface NearPair {
  before: Spoken;
  after: Spoken;
  seed: number;
  /** Names of the fields in which they differ. */
  changed: string[];
}

const SEED = 77_003;
const VALUES = {
  color: ['red', 'yellow', 'green', 'blue', 'purple', 'white'],
  object: ['ball', 'cube', 'ring', 'balloon'],
  scene: ['sea', 'meadow', 'desert', 'mountains', 'city'],
  time: ['day', 'sunset', 'night', 'dawn'],
} as const;
type Field = keyof typeof VALUES;
const FIELDS = Object.keys(VALUES) as Field[];

/** @param count pairs @param changes fields in which each pair differs, from 1 to 4 */
export function nearPairs(count: number, changes: number): NearPair[] {
  const random = createRandom(SEED, changes);
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random.uniform() * values.length)] as Value;
  return Array.from({ length: count }, () => {
    const before = Object.fromEntries(FIELDS.map((field) => [field, pick(VALUES[field])])) as Record<Field, string>;
    const after = { ...before };
    const changed = shuffled(FIELDS, () => random.uniform()).slice(0, changes);
    for (const field of changed) after[field] = pick(VALUES[field].filter((value) => value !== before[field]));
    return { before: spoken(before), after: spoken(after), seed: random.bits(), changed };
  });
}

function spoken(fields: Record<Field, string>): Spoken {
  const { color, object, scene, time } = fields;
  return { text: `a ${color} ${object} over the ${scene}, ${time === 'day' ? 'by' : 'at'} ${time}`, fields };
}

function shuffled<Value>(values: readonly Value[], uniform: () => number): Value[] {
  return values
    .map((value) => ({ value, order: uniform() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ value }) => value);
}
