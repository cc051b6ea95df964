/**
 * What a viewer's pictures cost: compute of each tier of a slice through the generator, one session, one thread; from
 * that the draft's time and a second of live video as a share of one core.
 */
import { LIVE_SHARE } from '../../../src/generation/onnx/pack/calibration.ts';
import { OnnxGenerator } from '../../../src/generation/onnx/model/onnx-generator.ts';
import type { Tier } from '../../../src/picture/tiers.ts';
import { packsOf } from '../packs.ts';
import type { Figure, Section } from '../section.ts';

/** The task's: a draft on screen within a tenth of a second leaves this for the model. */
const DRAFT_GOAL_MS = 40;

interface TierTimes {
  /** Median compute, ms. */
  computeMs: Map<Tier, number>;
  /** Prompt to draft frames in the generator's own process, ms. */
  draftMs: number;
}

async function timeTiers(generator: OnnxGenerator, slices: number): Promise<TierTimes> {
  const { examples, slice: length, tiers } = generator.info;
  const { signal } = new AbortController();
  const samples = new Map<Tier, number[]>();
  const drafts: number[] = [];
  await generator.warmUp();
  let previous: Float32Array | undefined;
  for (let slice = 0; slice < slices; slice++) {
    const prompt = examples[slice % examples.length] ?? 'a';
    const startMs = (slice * length.frames * 1000) / length.fps;
    const stopAtTier = tiers.at(-1)?.tier ?? 'base';
    const job = { revision: 0, slice, prompt, seed: 1, startMs, stopAtTier, ...(previous ? { previous } : {}) };
    const startedMs = performance.now();
    for await (const { tier, computeMs, latents } of generator.generate(job, { signal })) {
      if (tier === 'draft') drafts.push(performance.now() - startedMs);
      samples.set(tier, [...(samples.get(tier) ?? []), computeMs]);
      if (latents) previous = latents;
    }
  }
  return { computeMs: new Map([...samples].map(([tier, times]) => [tier, median(times)])), draftMs: median(drafts) };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const section: Section = {
  name: 'tiers',
  title: 'one session through the generator, one thread, median',
  order: 20,
  async run({ model, quick, onProgress }) {
    const figures: Figure[] = [];
    for (const { directory, manifest } of await packsOf(model)) {
      onProgress(manifest.name);
      await using generator = await OnnxGenerator.create({ modelDirectory: directory, threads: 1 });
      const { computeMs, draftMs } = await timeTiers(generator, quick ? 3 : 24);
      const { name, slice } = manifest;
      const draft = computeMs.get('draft') ?? Number.NaN;
      figures.push(
        { name: `${name} draft, compute`, value: draft, unit: 'ms', goal: { atMost: DRAFT_GOAL_MS } },
        { name: `${name} draft, prompt to frames`, value: draftMs, unit: 'ms', limit: draft },
      );
      let spentMs = 0;
      for (const [tier, ms] of computeMs) {
        spentMs += ms;
        const share = (spentMs * slice.fps) / (slice.frames * 1000);
        figures.push({ name: `${name} ${tier}, one slice`, value: ms, unit: 'ms' });
        figures.push({
          name: `${name} live at ${tier}`,
          value: share,
          unit: 'of one core',
          ...(tier === 'refined' ? { goal: { atMost: LIVE_SHARE } } : {}),
        });
      }
    }
    return figures;
  },
};
export default section;
