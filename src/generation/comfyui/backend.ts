/**
 * A ComfyUI server as a `Generator`: previews are drafts, the tap after the first stage is base, the one after the second
 * refined. Slices follow each other by their last frame. What a viewer asks for never becomes a path, an address or a
 * node: prompts, seeds and guidance go into inputs of a graph that the operator chose.
 */
import { createHash } from 'node:crypto';
import { GlimpseError } from '../../errors.ts';
import { ImageDecoder } from '../../media/image-decoder.ts';
import type { GenerateOptions, Generator, GeneratorInfo, PromptReading, Rendition, SliceJob } from '../generator.ts';
import { heavierPrompt } from '../prompt-list.ts';
import { tierRank } from '../tiers.ts';
import type { ComfyClient } from './client.ts';
import { unpackFrame } from './continuation.ts';
import type { InputFile } from './input-file.ts';
import type { SliceInput } from './parameters.ts';
import { SliceRun, sliceFramesOf, type SliceContext } from './slice-run.ts';
import { checkGraph, describeProblem } from './workflow-check.ts';
import type { Workflow } from './workflow.ts';

export interface ComfyUiGeneratorOptions {
  /** Closed with the generator. */
  client: ComfyClient;
  workflow: Workflow;
  /** For workflows that need an image or a video. */
  inputFile?: InputFile | undefined;
}

export class ComfyUiGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly #context: SliceContext;
  readonly #inputFile: InputFile | undefined;

  /** @throws GlimpseError CONFIG_INVALID when the workflow needs an input file that is not there. */
  constructor({ client, workflow, inputFile }: ComfyUiGeneratorOptions) {
    if (workflow.needs !== 'nothing' && inputFile?.kind !== workflow.needs)
      throw new GlimpseError('CONFIG_INVALID', {
        message: `${workflow.name} needs --comfyui-input, a ${workflow.needs}`,
      });
    this.#context = { client, workflow, decoder: new ImageDecoder(), reduced: false };
    this.#inputFile = inputFile;
    this.info = infoOf(workflow);
  }

  /** The model takes any words, so there is nothing to tell. */
  read(): Promise<PromptReading> {
    return Promise.resolve({ unknownWords: [], fields: {} });
  }

  /**
   * A tier is computed when it is asked for; leaving a slice interrupts it at the server.
   * @throws GlimpseError PARAMETER_INVALID when `job.previous` is not of this generator; else as the contract says.
   */
  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void, undefined> {
    const lowest = tierRank(job.startAtTier ?? 'draft');
    const highest = tierRank(job.stopAtTier);
    const asked = (tier: Rendition['tier']): boolean => tierRank(tier) >= lowest && tierRank(tier) <= highest;
    const taps = this.#context.workflow.tiers.map(({ tier }) => tier);
    const run = new SliceRun(this.#context, job, await this.#inputOf(job, options.signal), options);
    try {
      const [first] = taps;
      const draft = asked('draft') && first !== undefined ? await run.draft(first) : undefined;
      if (draft !== undefined) yield draft;
      for (const tier of taps.filter((tier) => asked(tier))) yield await run.render(tier);
    } finally {
      run.close();
    }
  }

  /** @throws GlimpseError GENERATOR_DOWN when the server is not there, WORKFLOW_INVALID naming all that it lacks. */
  async warmUp(): Promise<void> {
    const { client, workflow } = this.#context;
    const { graph } = workflow.build(await this.#inputOf(PROBE, new AbortController().signal), { reduced: false });
    const problems = checkGraph(graph, await client.objectInfo()).map(describeProblem);
    if (problems.length === 0) return;
    throw new GlimpseError('WORKFLOW_INVALID', {
      message: `${workflow.name} cannot run on this server: ${problems.join('; ')}`,
      details: { problems },
    });
  }

  /** Idempotent, never throws; jobs in progress reject and are interrupted at the server. */
  async close(): Promise<void> {
    await this.#context.client.close();
    await this.#context.decoder.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #inputOf(job: SliceJob, signal: AbortSignal): Promise<SliceInput> {
    const { seed, slice, guidance, previous } = job;
    const { client, workflow } = this.#context;
    const file = await this.#inputFile?.nameAt(client, signal);
    const previousFrame = previous && workflow.continues ? await this.#upload(previous, signal) : undefined;
    const named = this.#inputFile?.kind === 'video' ? { video: file } : { image: file };
    return { prompt: heavierPrompt(job), seed, slice, guidance, previousFrame, ...named };
  }

  /** Named by its content: a slice's second prompt must see the picture that its first one saw. */
  #upload(previous: Float32Array, signal: AbortSignal): Promise<string> {
    const { image, format } = unpackFrame(previous);
    const digest = createHash('sha256').update(image).digest('hex').slice(0, 24);
    const extension = format === 'png' ? 'png' : 'jpg';
    const name = `glimpse-${digest}.${extension}`;
    return this.#context.client.upload({ name, data: image, mediaType: `image/${format}`, folder: 'temp' }, signal);
  }
}

const PROBE: SliceJob = { revision: 0, slice: 0, prompt: 'a', seed: 0, startMs: 0, stopAtTier: 'refined' };

function infoOf(workflow: Workflow): GeneratorInfo {
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
    progressive: true,
  };
}
