/**
 * How slices of the shipped model meet: the first step a viewer sees when a prompt is changed, by cut and by bend, and
 * the seam between slices as they are made and as they are joined. `node scripts/measure-slices.ts [MODEL_DIRECTORY]`
 */
import type { Rendition, SliceJob } from '../src/generation/generator.ts';
import { defaultModelDirectory } from '../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../src/generation/onnx/model/onnx-generator.ts';
import { promptAt, type PromptTrack } from '../src/generation/prompt/prompt-list.ts';
import { frameDifference, seamOf } from '../src/generation/slices/seam.ts';
import { SliceJoints } from '../src/generation/slices/slice-joints.ts';
import type { Tier } from '../src/picture/tiers.ts';

const CHANGES = [
  ['a red ball over a green meadow', 'a red ball over a green meadow at night'],
  ['the sea at sunset', 'the city at night'],
  ['a yellow hot air balloon over the desert by day', 'snow falling on the mountains'],
] as const;
const SEAM_PROMPTS = [
  ...CHANGES.map(([from]) => from),
  'snow falling on the mountains',
  'rain over the city at night',
  'a blue bird flying right over the meadow at dawn',
  'a white boat moving left on the sea by day',
  'a purple ring bouncing over the desert',
];
const SEED = 7;
/** The viewer steers in the middle of a slice. */
const STEER_FRAME = 4;
const SEAM_SLICES = 10;

const modelDirectory = process.argv[2] ?? defaultModelDirectory();
await using generator = await OnnxGenerator.create({ modelDirectory, threads: 1 });
const { frames, fps } = generator.info.slice;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

interface Made {
  tiers: Map<Tier, Rendition>;
  latents: Float32Array | undefined;
}

async function make(slice: number, job: Partial<SliceJob> & { prompt: string }): Promise<Made> {
  const startMs = (slice * frames * 1000) / fps;
  const whole = { revision: 0, slice, seed: SEED, startMs, stopAtTier: 'refined', ...job } as const;
  const made: Made = { tiers: new Map(), latents: undefined };
  for await (const rendition of generator.generate(whole, { signal: new AbortController().signal })) {
    made.tiers.set(rendition.tier, rendition);
    made.latents = rendition.latents ?? made.latents;
  }
  return made;
}

/** @param held by AdaIN to the first slice */
async function chain(prompt: string, slices: number, held = false): Promise<Made[]> {
  const chained: Made[] = [];
  for (let slice = 0; slice < slices; slice++) {
    const previous = chained.at(-1)?.latents;
    const reference = held ? chained[0]?.latents : undefined;
    chained.push(await make(slice, { prompt, ...(previous ? { previous } : {}), ...(reference ? { reference } : {}) }));
  }
  return chained;
}

/** Luma step from the last frame before the steering to the first after it. */
function step(before: Made, after: Made, tier: Tier, frame: number): number {
  const [old, next] = [before.tiers.get('base'), after.tiers.get(tier)].map((made) => made?.frames);
  const [last, first] = [old?.[STEER_FRAME - 1], next?.[frame]];
  return last && first ? frameDifference(last, first) : Number.NaN;
}

/** Mean luma of a slice at `base`. */
function brightness(made: Made | undefined): number {
  const lumas = made?.tiers
    .get('base')
    ?.frames.map(({ data, widthPx, heightPx }) => mean([...data.subarray(0, widthPx * heightPx)]));
  return mean(lumas ?? []);
}

const rows: Record<string, { draft: number[]; base: number[] }> = {};
const note = (name: string, before: Made, after: Made, frame: number): void => {
  const row = (rows[name] ??= { draft: [], base: [] });
  row.draft.push(step(before, after, 'draft', frame));
  row.base.push(step(before, after, 'base', frame));
};
for (const [from, to] of CHANGES) {
  const [, before, running] = await chain(from, 3);
  if (!before?.latents || !running?.latents) continue;
  note('cut', running, await make(0, { prompt: to }), 0);
  for (const transitionSlices of [1, 3, 6])
    for (const strength of [0.4, 0.6, 0.8, 1]) {
      const track: PromptTrack = {
        prompts: [to],
        from,
        sliceCount: undefined,
        transitionSlices,
        interpolation: 'linear',
      };
      const start = { latents: running.latents, strength };
      const bent = await make(0, { ...promptAt(track, 0), previous: before.latents, start });
      note(`bend over ${transitionSlices}, strength ${strength}`, running, bent, STEER_FRAME);
    }
}
console.log('first step after steering (luma, mean of three changes): draft, base');
for (const [name, { draft, base }] of Object.entries(rows))
  console.log(`  ${name.padEnd(28)} ${mean(draft).toFixed(1).padStart(5)} ${mean(base).toFixed(1).padStart(5)}`);

const seams: Record<string, number[]> = {};
const drifts: Record<string, number[]> = {};
for (const [prompt, held] of SEAM_PROMPTS.flatMap((prompt) => [false, true].map((held) => [prompt, held] as const))) {
  const made = await chain(prompt, SEAM_SLICES, held);
  const how = held ? ', adain' : '';
  const [first = Number.NaN, last = Number.NaN] = [made[0], made.at(-1)].map((slice) => brightness(slice));
  (drifts[`change of mean luma${how}`] ??= []).push(Math.abs(last - first));
  for (const tier of ['base', 'refined'] as const) {
    const joints = new SliceJoints(generator.info.slice);
    const renditions = made.flatMap(({ tiers }) => tiers.get(tier) ?? []);
    const joined: Rendition[] = [];
    for (const rendition of renditions) joined.push(await joints.join(rendition, rendition.slice > 0));
    (seams[`${tier}, as made${how}`] ??= []).push(seamOf(renditions.map((rendition) => rendition.frames)).ratio);
    (seams[`${tier}, joined${how}`] ??= []).push(seamOf(joined.map((rendition) => rendition.frames)).ratio);
  }
}
console.log(`seam over ${SEAM_SLICES} slices (boundary against inside): mean, worst of ${SEAM_PROMPTS.length} prompts`);
for (const [name, ratios] of Object.entries({ ...seams, ...drifts }))
  console.log(
    `  ${name.padEnd(28)} ${mean(ratios).toFixed(2).padStart(5)} ${Math.max(...ratios)
      .toFixed(2)
      .padStart(5)}`,
  );
