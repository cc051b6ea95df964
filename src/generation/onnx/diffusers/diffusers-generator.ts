/**
 * An image model in the diffusers layout as a `Generator`. A slice is one picture, shown for all its frames. Slices
 * differ because their noise moves with time (noise-walk.ts). All randomness comes from the job's seed and time.
 */
import type { GenerateOptions, Generator, GeneratorInfo, PromptReading, Rendition, SliceJob } from '../../generator.ts';
import type { ModelMemory } from '../../engine/model-memory.ts';
import { tierRank } from '../../../picture/tiers.ts';
import { memoryOf, startedRuntime } from '../runtime/model-runtime.ts';
import type { Provider } from '../../../provider.ts';
import { loadDiffusersModel, type DiffusersModel } from './export/layout.ts';
import { workerPartsOf } from './export/part-tensors.ts';
import { pictureSettings, STILL_SLICE, type PictureOptions, type PictureSettings } from './picture-settings.ts';
import { SlicePicture, type PictureModel } from './slice-picture.ts';
import { TextConditioning } from './text-conditioning.ts';

export interface DiffusersGeneratorOptions extends PictureOptions {
  /** Directory with `model_index.json`. */
  modelDirectory: string;
  /** Threads of one inference. */
  threads: number;
  /** Default: the CPU. */
  provider?: Provider;
  /** The inference process died and was replaced. */
  onRestart?: () => void;
  /** Memory of all parts together, bytes. Default: no limit. */
  budgetBytes?: number;
}

const EXAMPLES = [
  'a lighthouse in a storm, oil painting',
  'a red fox in the snow, photograph',
  'a city of glass at dawn',
];

export class DiffusersGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly #of: PictureModel;

  private constructor(of: PictureModel) {
    this.#of = of;
    this.info = infoOf(of.model, of.settings);
  }

  /**
   * Checks the directory and loads it in its own process. Close it when done: the process keeps this one alive.
   * @throws GlimpseError MODEL_INVALID with details `{ part, expected, found }`, CONFIG_INVALID for a size it cannot
   *   paint, MEMORY_BUDGET, PROVIDER_MISSING
   */
  static async create(options: DiffusersGeneratorOptions): Promise<DiffusersGenerator> {
    const { modelDirectory, threads, provider = 'cpu', onRestart, budgetBytes } = options;
    const model = await loadDiffusersModel(modelDirectory);
    const settings = pictureSettings(model, options);
    const setup = { parts: workerPartsOf(model), threads, provider };
    const runtime = await startedRuntime(setup, { onRestart, budgetBytes });
    return new DiffusersGenerator({ model, settings, runtime, text: new TextConditioning(model, runtime) });
  }

  /** Memory of the parts, and how to reduce it; on a GPU the figures are of host memory. */
  get memory(): ModelMemory {
    return memoryOf(this.#of.runtime);
  }

  /** Reports words beyond the text encoder's length; an image model cannot tell what it understood of the others. */
  read(prompt: string): Promise<PromptReading> {
    return Promise.resolve({ unknownWords: this.#of.model.tokenizer.tokenize(prompt).lostWords, fields: {} });
  }

  /** @throws GlimpseError PARAMETER_INVALID when `job.start` is not of this model; else as the contract says. */
  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void, undefined> {
    const lowest = tierRank(job.startAtTier ?? 'draft');
    const highest = tierRank(job.stopAtTier);
    const picture = new SlicePicture(this.#of, job, options);
    for (const { tier } of this.info.tiers)
      if (tierRank(tier) >= lowest && tierRank(tier) <= highest) yield await picture.render(tier, true);
  }

  /** One slice through every tier: the first run of a part allocates and is slower. */
  async warmUp(): Promise<void> {
    const job: SliceJob = { revision: 0, slice: 0, prompt: 'a', seed: 0, startMs: 0, stopAtTier: 'refined' };
    const { signal } = new AbortController();
    for await (const { frames } of this.generate(job, { signal })) void frames;
  }

  /** Idempotent, never throws; jobs in progress reject with GENERATOR_DOWN. */
  async close(): Promise<void> {
    await this.#of.runtime.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const infoOf = ({ name }: DiffusersModel, { tiers }: PictureSettings): GeneratorInfo => ({
  name,
  conditioning: 'any text; an image model: still pictures that fade into each other',
  slice: STILL_SLICE,
  tiers,
  examples: EXAMPLES,
  progressive: true,
  startsFromLatents: true,
});
