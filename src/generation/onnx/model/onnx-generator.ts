/**
 * The embedded model as a `Generator`: a model pack, the worker that runs it, and one `SliceRun` per job. All
 * randomness comes from the job's seed, so the same job gives the same pictures on every call.
 */
import type { GenerateOptions, Generator, GeneratorInfo, PromptReading, Rendition, SliceJob } from '../../generator.ts';
import type { ModelMemory } from '../../engine/model-memory.ts';
import { tierRank, type Tier } from '../../../picture/tiers.ts';
import { loadModelPack, partsOf } from '../pack/model-pack.ts';
import type { Manifest, ModelPack } from '../pack/model-pack.ts';
import { LIVE_STRENGTH } from '../../../picture/live-source.ts';
import { PictureEncoder } from './picture-encoder.ts';
import { PromptEncoder } from './prompt-encoder.ts';
import { memoryOf, startedRuntime } from '../runtime/model-runtime.ts';
import { ModelUnits } from './model-units.ts';
import { RefinerNoise } from './refiner-noise.ts';
import type { OnnxRuntime } from '../runtime/runtime.ts';
import { SliceRun } from './slice-run.ts';
import type { SliceModel } from './slice-run.ts';
import { AUTO_VARIANT, residentBytes, withVariants } from '../pack/pack-variants.ts';
import type { WorkerSetup } from '../process/worker-protocol.ts';

export interface OnnxGeneratorOptions {
  /** Directory of a model pack; see `defaultModelDirectory`. */
  modelDirectory: string;
  /** Threads of one inference; the other cores are for the encoder and the network. */
  threads: number;
  /** The inference process died and was replaced. */
  onRestart?: () => void;
  /** Memory of all parts together, bytes. Default: no limit. */
  budgetBytes?: number;
  /** Kind of weights (`fp32`, `int8`, …), or `auto` (default): the best that fit the budget. */
  variant?: string;
}

export class OnnxGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly #model: SliceModel;
  readonly #runtime: OnnxRuntime;
  /** Undefined where the pack's latent cannot be made from pictures. */
  readonly #pictures: PictureEncoder | undefined;

  private constructor(manifest: Manifest, runtime: OnnxRuntime, pictures: PictureEncoder | undefined) {
    this.info = { ...infoOf(manifest), ...(pictures && { live: true }) };
    this.#pictures = pictures;
    this.#runtime = runtime;
    const encoder = new PromptEncoder(manifest, runtime);
    this.#model = { manifest, units: new ModelUnits(runtime), encoder, noise: new RefinerNoise(manifest.noise) };
  }

  /**
   * Checks the pack and loads it in its own process. Close it when done: the process keeps this one alive.
   * @throws GlimpseError MODEL_INVALID with details `{ part, expected, found }`, MEMORY_BUDGET when a part does not fit
   *   the budget, CONFIG_INVALID for an unknown variant
   */
  static async create(options: OnnxGeneratorOptions): Promise<OnnxGenerator> {
    const { modelDirectory, threads, onRestart, budgetBytes = Infinity, variant = AUTO_VARIANT } = options;
    const pack = await loadModelPack(modelDirectory, (manifest) => withVariants(manifest, { variant, budgetBytes }));
    const runtime = await startedRuntime({ parts: workerParts(pack), threads }, { onRestart, budgetBytes });
    const pictures = await PictureEncoder.open(pack.manifest, pack.files.decoder);
    return new OnnxGenerator(pack.manifest, runtime, pictures);
  }

  /** Memory of the parts, and how to reduce it. */
  get memory(): ModelMemory {
    return memoryOf(this.#runtime);
  }

  /** The kind of weights of each part, e.g. `text:fp32 denoiser:int8`. */
  get variants(): string {
    return partsOf(this.#model.manifest)
      .map(([name, { variant }]) => `${name}:${variant}`)
      .join(' ');
  }

  /** How often the inference process died and was replaced. */
  get restarts(): number {
    return this.#runtime.restarts;
  }

  read(prompt: string): Promise<PromptReading> {
    return this.#model.encoder.read(prompt);
  }

  /** One probability per field value, [condition.width]. Cosine distance 0: the same picture; 1: no field agrees. */
  embed(prompt: string): Promise<Float32Array> {
    return this.#model.encoder.embed(prompt);
  }

  /** @throws GlimpseError PARAMETER_INVALID if `job.previous` is not of this model; else as the contract says */
  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void, undefined> {
    const lowest = tierRank(job.startAtTier ?? 'draft');
    const highest = tierRank(job.stopAtTier);
    const tiers = this.info.tiers.map(({ tier }) => tier);
    const run = new SliceRun(this.#model, await this.#following(job), options);
    let finishedGiven = false;
    const hasFast = (tier: Tier): boolean => this.info.tiers.some((info) => info.tier === tier && info.fast);
    for (const tier of tiers.filter((tier) => tierRank(tier) >= lowest && tierRank(tier) <= highest)) {
      if (hasFast(tier) && options.variant?.(tier) === 'fast') {
        yield await run.render(tier, !finishedGiven, 'fast');
        finishedGiven = true;
      }
      // All tiers but the draft share one latent: the first of them yields it.
      yield await run.render(tier, !finishedGiven);
      finishedGiven = tier !== 'draft';
    }
  }

  /** While a camera is followed, a slice starts from its pictures, raised as far to noise as the stream says. */
  async #following(job: SliceJob): Promise<SliceJob> {
    const { live, liveStrength: strength = LIVE_STRENGTH } = job;
    const latents = live && (await this.#pictures?.newest(live));
    return latents ? { ...job, start: { latents, strength } } : job;
  }

  /** One slice through every tier and variant: the first run of a part allocates and is slower. */
  async warmUp(): Promise<void> {
    const [prompt = 'a'] = this.info.examples;
    const job: SliceJob = {
      revision: 0,
      slice: 0,
      prompt,
      seed: 0,
      startMs: 0,
      stopAtTier: 'refined',
    };
    const { signal } = new AbortController();
    for await (const { frames } of this.generate(job, { signal, variant: () => 'fast' })) void frames;
  }

  /** Idempotent, never throws; jobs in progress reject with GENERATOR_DOWN. */
  async close(): Promise<void> {
    await this.#runtime.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const infoOf = ({ name, condition, slice, tiers, examples }: Manifest): GeneratorInfo => ({
  name,
  conditioning: condition.fields.map((field) => field.name).join(', '),
  slice,
  tiers,
  examples,
  progressive: true,
  startsFromLatents: true,
  options: ['adain'],
});

/** What the inference process loads. */
export const workerParts = ({ manifest, files }: ModelPack): WorkerSetup['parts'] =>
  partsOf(manifest).map(([name, part]) => {
    const { inputs, outputs } = part;
    return { name, path: files[name] ?? '', residentBytes: residentBytes(part), inputs, outputs };
  });
