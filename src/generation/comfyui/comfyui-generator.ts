/**
 * A ComfyUI server as a `Generator`. Previews are drafts, the tap after the first stage is base, the tap after the
 * second is refined. A slice continues from the last frames of the one before. Viewer input never becomes a path, an
 * address or a node: prompts, seeds and guidance fill inputs of a graph that the operator chose.
 */
import { createHash } from 'node:crypto';
import { GlimpseError } from '../../errors.ts';
import { ImageDecoder } from '../../media/decode/image-decoder.ts';
import type { GenerateOptions, Generator, GeneratorInfo, PromptReading, Rendition, SliceJob } from '../generator.ts';
import type { InputMedia } from '../../picture/input-media.ts';
import { heavierPrompt } from '../prompt/prompt-list.ts';
import { tierRank } from '../../picture/tiers.ts';
import { unpackFrames } from './continuation.ts';
import type { InputFile } from './input-file.ts';
import { CAMERA_MOVES } from './workflows/ltx/families.ts';
import type { SliceInput } from './workflows/parameters.ts';
import type { ComfyPool } from './server/pool.ts';
import type { ComfyServer } from './server/server.ts';
import { SliceRun } from './slice-run.ts';
import { WorkflowFit } from './workflow-fit.ts';
import { sliceFramesOf, type Workflow } from './workflows/workflow.ts';

export interface ComfyUiGeneratorOptions {
  /** Closed with the generator. */
  pool: ComfyPool;
  workflow: Workflow;
  /** For workflows that need an image or a video. */
  inputFile?: InputFile | undefined;
  /** The workflow has been fitted to the servers: told for the log. */
  onChosen?: ((workflow: Workflow) => void) | undefined;
}

export class ComfyUiGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly #pool: ComfyPool;
  readonly #fit: WorkflowFit;
  readonly #decoder = new ImageDecoder();
  readonly #inputFile: InputFile | undefined;

  /** @throws GlimpseError CONFIG_INVALID when the workflow needs an input file that is not there. */
  constructor({ pool, workflow, inputFile, onChosen }: ComfyUiGeneratorOptions) {
    if (inputFile && workflow.needs !== 'nothing' && inputFile.kind !== workflow.needs)
      throw new GlimpseError('CONFIG_INVALID', {
        message: `--comfyui-input is a ${inputFile.kind}; ${workflow.name} needs a ${workflow.needs}`,
      });
    this.#pool = pool;
    this.#fit = new WorkflowFit({ pool, workflow, onChosen });
    this.#inputFile = inputFile;
    this.info = infoOf(workflow, inputFile === undefined);
  }

  /** The model accepts any words, so there is nothing to report. */
  read(): Promise<PromptReading> {
    return Promise.resolve({ unknownWords: [], fields: {} });
  }

  /**
   * Computes a tier when it is pulled; leaving a slice interrupts it at the server.
   * @throws GlimpseError PARAMETER_INVALID when `job.previous` comes from another generator; else as the contract says.
   */
  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void, undefined> {
    const lowest = tierRank(job.startAtTier ?? 'draft');
    const highest = tierRank(job.stopAtTier);
    const asked = (tier: Rendition['tier']): boolean => tierRank(tier) >= lowest && tierRank(tier) <= highest;
    await this.#fit.fit();
    const { workflow } = this.#fit;
    const taps = workflow.tiers.map(({ tier }) => tier);
    const inputAt = (server: ComfyServer, signal: AbortSignal): Promise<SliceInput> =>
      this.#inputOf(job, server, signal);
    const run = new SliceRun({ pool: this.#pool, decoder: this.#decoder, workflow }, { ...options, job, inputAt });
    try {
      const [first] = taps;
      if (asked('draft') && first !== undefined) yield* run.drafts(first, asked(first) ? Infinity : 1);
      for (const tier of taps.filter((tier) => asked(tier))) yield* run.render(tier);
    } catch (error) {
      this.#fit.failed(error);
      throw error;
    } finally {
      run.close();
    }
  }

  /** @throws GlimpseError GENERATOR_DOWN when no server answers, WORKFLOW_INVALID naming all that it lacks */
  async warmUp(): Promise<void> {
    await Promise.all([this.#fit.check(), this.#decoder.open()]);
  }

  /** Idempotent, never throws; jobs in progress reject and are interrupted at the server. */
  async close(): Promise<void> {
    await this.#pool.close();
    await this.#decoder.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #inputOf(job: SliceJob, server: ComfyServer, signal: AbortSignal): Promise<SliceInput> {
    const { seed, slice, guidance, previous, options } = job;
    const file = await (job.input
      ? uploadInput(job.input, server, signal)
      : this.#inputFile?.nameAt(server.client, signal));
    const { overlapFrames, needs } = this.#fit.workflow;
    const goesOn = previous !== undefined && overlapFrames > 0;
    const previousFrames = goesOn ? await upload(previous, server, signal) : undefined;
    const named = needs === 'video' ? { video: file } : { image: file };
    return { prompt: heavierPrompt(job), seed, slice, guidance, previousFrames, ...options, ...named };
  }
}

/** Names are digests of the content, so that a slice's second prompt sees the same pictures as its first. */
function upload(previous: Float32Array, { client }: ComfyServer, signal: AbortSignal): Promise<string[]> {
  const uploads = unpackFrames(previous).map(({ image, format }) => {
    const digest = createHash('sha256').update(image).digest('hex').slice(0, 24);
    const name = `glimpse-${digest}.${format === 'png' ? 'png' : 'jpg'}`;
    return client.upload({ name, data: image, mediaType: `image/${format}`, folder: 'temp' }, signal);
  });
  return Promise.all(uploads);
}

/** Named by a digest of its content, so that the server's cache knows it in any session. */
function uploadInput(input: InputMedia, { client }: ComfyServer, signal: AbortSignal): Promise<string> {
  const name = `glimpse-${input.sha256.slice(0, 24)}.${input.kind === 'image' ? 'png' : 'mp4'}`;
  return client.upload({ name, data: input.data, mediaType: input.mediaType, folder: 'temp' }, signal);
}

function infoOf(workflow: Workflow, inputNeeded: boolean): GeneratorInfo {
  const [smallest] = workflow.tiers;
  return {
    name: `ComfyUI ${workflow.name}`,
    conditioning: workflow.conditioning,
    slice: { frames: sliceFramesOf(workflow), fps: workflow.fps },
    tiers: [...(smallest === undefined ? [] : [{ ...smallest, tier: 'draft' as const }]), ...workflow.tiers],
    examples: [
      'a red ball rolls over a green meadow, morning light, slow camera',
      'waves break on black rocks at dusk, seen from above',
      'a fox walks through fresh snow towards the camera',
    ],
    // A draft is the beginning of its slice's run, which begins with the last frames of the slice before.
    progressive: false,
    input: workflow.needs === 'nothing' ? undefined : { kind: workflow.needs, needed: inputNeeded },
    ...(workflow.sound && { sound: workflow.sound }),
    options: workflow.options,
    cameraMoves: workflow.options.includes('cameraMove') ? CAMERA_MOVES : [],
  };
}
