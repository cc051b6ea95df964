/** One pack through the held-out prompts: adherence slice by slice, tiers against the best, seams, drift. */
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import type { ModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import type { Rendition, SliceJob } from '../../src/generation/generator.ts';
import { sliceStartMs } from '../../src/generation/slices/schedule.ts';
import type { Tier } from '../../src/picture/tiers.ts';
import { distribution, type Distribution } from '../report.ts';
import { Adherence } from './adherence.ts';
import { lumaPsnrDb, SeamMeter, shiftPx } from './pictures.ts';
import { type Probe, probeFor } from './probe.ts';
import { type HeldOutPrompt, heldOutPrompts } from './prompts.ts';

/** Slices, counted from 1 as people do, at which the probe reads. */
const FIRST = 1;
const FIFTH = 5;
const TENTH = 10;
/** Prompts that are followed to the tenth slice, and that are made at every tier: enough for a share and a mean. */
const DRIFT_PROMPTS = 64;
const TIER_PROMPTS = 32;

export interface PackQuality {
  name: string;
  prompts: number;
  /** Share of the prompts' fields that the text part read right, %. */
  understood: Record<string, number>;
  /** Share of prompts whose picture shows the field, %; undefined without a probe. */
  adherence:
    | { name: string; slice: number; prompts: number; percent: Record<string, number>; meanPercent: number }[]
    | undefined;
  /** Mean adherence of the first slice less that of the tenth, over the same prompts, in points. */
  driftPoints: number | undefined;
  /**
   * Of the first slice. PSNR against the best tier, null for the best itself: higher tiers are nearer. Mean adherence as
   * the probe reads the tier brought to base size, %: a tier changes nothing of what is shown.
   */
  tiers: { name: Tier; psnrDb: number | null; meanPercent: number | null }[];
  /** Of the composition from base to refined, px at base size. */
  shiftPx: Distribution | undefined;
  /** Change across slices over the change inside them. */
  seams: { name: Tier; ratio: number }[];
}

export interface MeasureOptions {
  prompts: number;
  onProgress: (done: number, total: number) => void;
  /** Every tier of a prompt's first slice, for a sheet. */
  onPictures?: ((prompt: HeldOutPrompt, index: number, renditions: readonly Rendition[]) => Promise<void>) | undefined;
}

const live = { signal: new AbortController().signal };

export async function measurePack(pack: ModelPack, options: MeasureOptions): Promise<PackQuality> {
  const { manifest, directory } = pack;
  await using generator = await OnnxGenerator.create({ modelDirectory: directory, threads: 1 });
  await using stack = new AsyncDisposableStack();
  const loaded = await probeFor(manifest);
  const probe = loaded && stack.use(loaded);
  const prompts = heldOutPrompts(manifest.condition.fields, options.prompts);
  const run = new Run(generator, probe);
  for (const [index, prompt] of prompts.entries()) {
    await run.follow(prompt, index);
    if (index < TIER_PROMPTS) await options.onPictures?.(prompt, index, await run.compareTiers(prompt));
    options.onProgress(index + 1, prompts.length);
  }
  return { name: manifest.name, prompts: prompts.length, ...run.result };
}

class Run {
  readonly #generator: OnnxGenerator;
  readonly #probe: Probe | undefined;
  readonly #understood = new Adherence();
  /** By slice, over all prompts that reach it. */
  readonly #shown = new Map<number, { prompts: number; adherence: Adherence }>();
  /** The first slice of those prompts that go on to the tenth. */
  readonly #driftStart = new Adherence();
  readonly #psnrs = new Map<Tier, number[]>();
  readonly #tierAdherence = new Map<Tier, Adherence>();
  readonly #shifts: number[] = [];
  readonly #seams = new Map<Tier, SeamMeter>();

  constructor(generator: OnnxGenerator, probe: Probe | undefined) {
    this.#generator = generator;
    this.#probe = probe;
  }

  /** Five slices of base frames, ten for the first prompts. */
  async follow(prompt: HeldOutPrompt, index: number): Promise<void> {
    this.#understood.add(prompt.fields, withUnsaid((await this.#generator.read(prompt.text)).fields));
    const slices = index < DRIFT_PROMPTS ? TENTH : FIFTH;
    let previous: Float32Array | undefined;
    for (let slice = 1; slice <= slices; slice++) {
      const [base] = await this.#make(prompt, slice, 'base', 'base', previous);
      previous = base?.latents;
      const frames = base?.frames ?? [];
      this.#seam('base').add(frames, slice === FIRST);
      if (!this.#probe || ![FIRST, FIFTH, TENTH].includes(slice)) continue;
      const seen = await this.#probe.read(frames);
      const shown = this.#shown.get(slice) ?? { prompts: 0, adherence: new Adherence() };
      shown.prompts += 1;
      shown.adherence.add(prompt.fields, seen);
      this.#shown.set(slice, shown);
      if (slice === FIRST && slices === TENTH) this.#driftStart.add(prompt.fields, seen);
    }
  }

  /** The first slice at every tier, and the second refined for its seam. */
  async compareTiers(prompt: HeldOutPrompt): Promise<Rendition[]> {
    const best = this.#generator.info.tiers.at(-1)?.tier ?? 'refined';
    const renditions = await this.#make(prompt, FIRST, 'draft', best, undefined);
    const reference = renditions.at(-1)?.frames ?? [];
    for (const { tier, frames } of renditions.slice(0, -1))
      this.#psnrs.set(tier, [...(this.#psnrs.get(tier) ?? []), lumaPsnrDb(frames, reference)]);
    for (const { tier, frames } of renditions) {
      const adherence = this.#tierAdherence.get(tier) ?? new Adherence();
      this.#tierAdherence.set(tier, adherence);
      if (this.#probe) adherence.add(prompt.fields, await this.#probe.read(frames));
    }
    const of = (tier: Tier): Rendition | undefined => renditions.find((rendition) => rendition.tier === tier);
    const [base, refined] = [of('base'), of('refined')];
    const middle = (base?.frames.length ?? 0) >> 1;
    const [before, after] = [base?.frames[middle], refined?.frames[middle]];
    if (before && after) this.#shifts.push(shiftPx(before, after));
    const [second] = await this.#make(prompt, FIRST + 1, 'refined', 'refined', base?.latents);
    this.#seam('refined').add(refined?.frames ?? [], true);
    this.#seam('refined').add(second?.frames ?? [], false);
    return renditions;
  }

  get result(): Omit<PackQuality, 'name' | 'prompts'> {
    const adherence = [...this.#shown].map(([slice, { prompts, adherence }]) => ({
      name: `slice ${slice}`,
      slice,
      prompts,
      percent: adherence.percent,
      meanPercent: adherence.meanPercent,
    }));
    const tenth = this.#shown.get(TENTH)?.adherence.meanPercent;
    return {
      understood: this.#understood.percent,
      adherence: this.#probe ? adherence : undefined,
      driftPoints: tenth === undefined ? undefined : tenthOf(this.#driftStart.meanPercent - tenth),
      tiers: [...this.#tierAdherence].map(([name, { meanPercent }]) => {
        const values = this.#psnrs.get(name);
        return { name, psnrDb: values ? hundredth(mean(values)) : null, meanPercent: this.#probe ? meanPercent : null };
      }),
      shiftPx: distribution(this.#shifts),
      seams: [...this.#seams].map(([name, meter]) => ({ name, ratio: hundredth(meter.ratio) })),
    };
  }

  #seam(tier: Tier): SeamMeter {
    const meter = this.#seams.get(tier) ?? new SeamMeter();
    this.#seams.set(tier, meter);
    return meter;
  }

  /** @param number of the slice, from 1. */
  async #make(
    { text, seed }: HeldOutPrompt,
    number: number,
    startAtTier: Tier,
    stopAtTier: Tier,
    previous: Float32Array | undefined,
  ): Promise<Rendition[]> {
    const slice = number - 1;
    const startMs = sliceStartMs(slice, this.#generator.info.slice);
    const job: SliceJob = { revision: 0, slice, prompt: text, seed, startMs, startAtTier, stopAtTier };
    const renditions: Rendition[] = [];
    for await (const rendition of this.#generator.generate(previous ? { ...job, previous } : job, live))
      renditions.push(rendition);
    return renditions;
  }
}

/** A reader may leave open what nobody says. */
const withUnsaid = (fields: Record<string, string>): Record<string, string> => ({
  sky: 'natural',
  weather: 'clear',
  object: 'none',
  ...fields,
});

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const tenthOf = (value: number): number => Math.round(value * 10) / 10;
const hundredth = (value: number): number => Math.round(value * 100) / 100;
