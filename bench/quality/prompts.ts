/**
 * Held-out prompts: sentences that the training's templates do not make, in words that they use, each with the fields it
 * stands for (and "an", as English wants it). Drawn from a seed of their own, so that every run and every machine measures the same ones. Pure.
 */
import { createRandom, type Random } from '../../src/generation/slices/noise.ts';

export interface HeldOutPrompt {
  text: string;
  /** Of generation; a prompt is always drawn with the same one. */
  seed: number;
  /** What the picture must show, by field; a field that is missing is left open. */
  fields: Record<string, string>;
}

const SEED = 20_261;
/** Words of a value; values that a pack has and this table lacks are called by their own name. */
const WORDS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  scene: {
    sea: ['the ocean', 'a calm lake', 'the waves'],
    meadow: ['a grassland', 'the green hills', 'a field'],
    desert: ['the sand dunes', 'a sandy desert', 'the dunes'],
    mountains: ['the alps', 'a mountain range', 'the peaks'],
    city: ['a town', 'the city skyline', 'downtown buildings'],
  },
  time: {
    day: ['at noon', 'in the daytime', 'in daylight'],
    sunset: ['at dusk', 'in the evening', 'in the golden hour'],
    night: ['by night', 'at midnight', 'on a dark night'],
    dawn: ['at sunrise', 'in the early morning', 'at daybreak'],
  },
  sky: { green: ['an emerald sky'], purple: ['a violet sky', 'a magenta sky'], red: ['a crimson sky'] },
  celestial: { sun: ['a shining sun', 'the bright sun'], moon: ['a pale moon', 'the full moon'] },
  weather: {
    clouds: ['drifting clouds', 'cloudy'],
    rain: ['heavy rain', 'a rainstorm'],
    snow: ['falling snow', 'a blizzard'],
    stars: ['twinkling stars', 'starry'],
  },
  object: {
    ball: ['sphere', 'globe'],
    cube: ['box', 'crate'],
    ring: ['hoop', 'torus'],
    boat: ['yacht', 'ship'],
    balloon: ['hot air balloon'],
    bird: ['seagull', 'eagle'],
  },
  color: {
    red: ['scarlet'],
    yellow: ['golden'],
    green: ['green'],
    blue: ['azure'],
    purple: ['violet'],
    white: ['ivory'],
  },
  motion: {
    still: ['at rest', 'motionless'],
    left: ['heading left', 'going to the left'],
    right: ['heading right', 'going to the right'],
    up: ['ascending', 'floating up'],
    down: ['descending', 'sinking'],
    bounce: ['hopping', 'jumping'],
  },
};
/** What nobody says and everybody expects. */
const UNSAID: Readonly<Record<string, string>> = { sky: 'natural', weather: 'clear', object: 'none' };

/** A field as a pack's manifest lists it. */
export interface WorldField {
  name: string;
  values: readonly string[];
}

/** The first `count` held-out prompts of a pack's world; a longer list begins with the shorter one. */
export function heldOutPrompts(fields: readonly WorldField[], count: number): HeldOutPrompt[] {
  const random = createRandom(SEED);
  return Array.from({ length: count }, (_, index) => {
    const drawn = only(fields, drawFields(fields, random));
    return {
      text: sentence(drawn, random),
      seed: 1_000_003 * (index + 1),
      fields: meant(only(fields, { ...UNSAID, ...drawn })),
    };
  });
}

type Drawn = Record<string, string | undefined>;

function drawFields(fields: readonly WorldField[], random: Random): Drawn {
  const drawn: Drawn = {};
  for (const { name, values } of fields) drawn[name] = pick(values, random);
  // Three skies in five are natural, and a sky is only named when it is not.
  if (random.uniform() < 0.6) drawn['sky'] = 'natural';
  const dark = drawn['time'] === 'night' || drawn['time'] === 'dawn';
  if (!dark && drawn['weather'] === 'stars') drawn['weather'] = 'clear';
  if (drawn['celestial'] === 'sun' && drawn['time'] === 'night') drawn['celestial'] = 'moon';
  if (drawn['celestial'] === 'moon' && !dark) drawn['celestial'] = 'sun';
  if (drawn['celestial'] === 'none') delete drawn['celestial'];
  const level = drawn['object'] === 'boat' || (drawn['object'] === 'bird' && drawn['motion'] === 'bounce');
  if (level) drawn['motion'] = pick(['still', 'left', 'right'], random);
  if (drawn['object'] === 'none') {
    delete drawn['color'];
    delete drawn['motion'];
  }
  return drawn;
}

function sentence({ scene, time, sky, celestial, weather, object, color, motion }: Drawn, random: Random): string {
  const say = (field: string, value: string): string => pick(WORDS[field]?.[value] ?? [value], random);
  const parts: string[] = [];
  const thing =
    object === undefined || object === 'none'
      ? undefined
      : `${color ? `${say('color', color)} ` : ''}${say('object', object)}`;
  const place = scene ? say('scene', scene) : 'the air';
  if (!thing && color) parts.push(say('color', color));
  const article = thing && /^[aeiou]/.test(thing) ? 'an' : 'a';
  parts.push(thing ? `${place} with ${article} ${thing}${motion ? ` ${say('motion', motion)}` : ''}` : place);
  if (time) parts.push(say('time', time));
  if (weather !== undefined && weather !== 'clear') parts.push(say('weather', weather));
  if (sky !== undefined && sky !== 'natural') parts.push(`under ${say('sky', sky)}`);
  if (celestial !== undefined) parts.push(say('celestial', celestial));
  return parts.join(', ');
}

/** Nothing of a field that this world does not have. */
const only = (fields: readonly WorldField[], drawn: Drawn): Drawn =>
  Object.fromEntries(Object.entries(drawn).filter(([name]) => fields.some((field) => field.name === name)));

const meant = (drawn: Drawn): Record<string, string> =>
  Object.fromEntries(Object.entries(drawn).filter((entry): entry is [string, string] => entry[1] !== undefined));

const pick = <Value>(values: readonly Value[], random: Random): Value =>
  values[Math.floor(random.uniform() * values.length)] as Value;
