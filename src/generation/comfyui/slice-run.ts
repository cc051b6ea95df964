/**
 * One slice on its way through ComfyUI: a prompt for each tier when it is asked for, cut down to what that tier's tap
 * needs. The server keeps the results of its last prompt, so the second stage goes on from the first one's latent and does
 * not make it again. A preview that comes while the first tier is made is the draft.
 */
import { GlimpseError } from '../../errors.ts';
import type { I420Frame } from '../../media/frame.ts';
import type { ImageDecoder } from '../../media/image-decoder.ts';
import type { GenerateOptions, Rendition, SliceJob } from '../generator.ts';
import type { ComfyClient } from './client.ts';
import { packFrame } from './continuation.ts';
import { prune } from './graph.ts';
import type { SliceInput } from './parameters.ts';
import { isOutOfMemory, serverDown } from './server-error.ts';
import { TapFrames } from './tap-frames.ts';
import type { Workflow } from './workflow.ts';

/** A tap whose pictures got lost is asked for again; only the sending is repeated, everything before is in the cache. */
const REPEATS_MAX = 2;

export type TapTier = 'base' | 'refined';

/** What all slices share. `reduced` stays once the server has run out of memory. */
export interface SliceContext {
  client: ComfyClient;
  decoder: ImageDecoder;
  workflow: Workflow;
  reduced: boolean;
}

interface Made {
  frames: I420Frame[];
  /** The last frame, to go on from. */
  last: Uint8Array | undefined;
  computeMs: number;
}

interface Making {
  tier: TapTier;
  made: Promise<Made>;
  /** The first preview; undefined when the tier is there before one came. */
  preview: Promise<I420Frame | undefined>;
}

export class SliceRun {
  readonly #context: SliceContext;
  readonly #job: SliceJob;
  readonly #input: SliceInput;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #turn: GenerateOptions['turn'];
  #making: Making | undefined;
  #latentsGiven = false;

  constructor(context: SliceContext, job: SliceJob, input: SliceInput, { signal, turn }: GenerateOptions) {
    this.#context = context;
    this.#job = job;
    this.#input = input;
    this.#signal = AbortSignal.any([signal, this.#abort.signal]);
    this.#turn = turn;
  }

  /** Begins `tier` and waits for its first preview: undefined when the server sends none. */
  async draft(tier: TapTier): Promise<Rendition | undefined> {
    const startedMs = performance.now();
    const { preview } = this.#make(tier);
    const frame = await preview;
    if (frame === undefined) return undefined;
    const { revision, slice } = this.#job;
    // One picture stands for all: a preview shows one moment of the clip.
    const frames = Array.from({ length: this.#sliceFrames }, () => frame);
    return { revision, slice, tier: 'draft', frames, computeMs: performance.now() - startedMs };
  }

  /** @throws GlimpseError ABORTED, GENERATOR_DOWN, WORKFLOW_INVALID */
  async render(tier: TapTier): Promise<Rendition> {
    const { frames, last, computeMs } = await this.#make(tier).made;
    this.#making = undefined;
    const { revision, slice } = this.#job;
    const rendition = { revision, slice, tier, frames: frames.slice(0, this.#sliceFrames), computeMs };
    if (this.#latentsGiven || last === undefined || !this.#context.workflow.continues) return rendition;
    this.#latentsGiven = true;
    return { ...rendition, latents: packFrame(last) };
  }

  /** Interrupts what is being made for this slice. */
  close(): void {
    this.#abort.abort();
  }

  get #sliceFrames(): number {
    return sliceFramesOf(this.#context.workflow);
  }

  #make(tier: TapTier): Making {
    if (this.#making?.tier === tier) return this.#making;
    const preview = Promise.withResolvers<I420Frame | undefined>();
    const made = this.#inTurn(tier, preview.resolve);
    made.then(
      () => preview.resolve(undefined),
      (error: unknown) => preview.reject(error),
    );
    // Only one of the two may ever be awaited.
    preview.promise.catch(() => {});
    this.#making = { tier, made, preview: preview.promise };
    return this.#making;
  }

  /** A prompt of the server is one unit: nothing gets in between its steps. */
  async #inTurn(tier: TapTier, onPreview: (frame: I420Frame) => void): Promise<Made> {
    if (!this.#turn) return this.#tap(tier, onPreview);
    const made = Promise.withResolvers<Made>();
    const run = (): Promise<void> => this.#tap(tier, onPreview).then(made.resolve);
    await this.#turn({ kind: `comfyui:${tier}`, run });
    return made.promise;
  }

  async #tap(tier: TapTier, onPreview: (frame: I420Frame) => void): Promise<Made> {
    const { client } = this.#context;
    const startedMs = performance.now();
    let mayReduce = !this.#context.reduced;
    for (let repeats = 0; repeats <= REPEATS_MAX; repeats++) {
      try {
        const tap = await this.#runTap(tier, onPreview);
        if (!tap.complete) continue;
        const frames = await tap.decoded();
        return { frames, last: tap.last, computeMs: performance.now() - startedMs };
      } catch (error) {
        if (!mayReduce || !isOutOfMemory(error)) throw error;
        mayReduce = false;
        this.#context.reduced = true;
        await client.free(this.#signal);
      }
    }
    throw serverDown('ComfyUI sent fewer frames than the workflow makes.');
  }

  async #runTap(tier: TapTier, onPreview: (frame: I420Frame) => void): Promise<TapFrames> {
    const { client, decoder, workflow, reduced } = this.#context;
    const { graph, taps } = workflow.build(this.#input, { reduced });
    const tapId = taps[tier];
    const size = workflow.tiers.find((info) => info.tier === tier);
    if (tapId === undefined || size === undefined)
      throw new GlimpseError('WORKFLOW_INVALID', { message: `The workflow has no tap for ${tier}.` });
    const tap = new TapFrames({ decoder, count: workflow.frames, widthPx: size.widthPx, heightPx: size.heightPx });
    let previewed = false;
    await client.run(prune(graph, [tapId]), {
      signal: this.#signal,
      onGap: () => tap.onGap(),
      onImage: ({ nodeId, image }) => {
        if (nodeId === tapId) return tap.add(image);
        if (previewed) return;
        previewed = true;
        // A preview that cannot be read is as good as none.
        tap.decode(image).then(onPreview, () => {});
      },
    });
    return tap;
  }
}

/** Where slices continue, the last frame made is the first of the next slice and is shown there. */
export const sliceFramesOf = ({ continues, frames }: Workflow): number => (continues ? frames - 1 : frames);
