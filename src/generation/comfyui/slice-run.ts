/**
 * One slice at ComfyUI. Each tier is one prompt, submitted when the tier is asked for and reduced to what its tap
 * needs. The server caches its last prompt's results, so the second stage continues from the first one's latent.
 * Previews that come before the first frame are drafts. Frames are yielded as they arrive.
 */
import type { I420Frame } from '../../picture/frame.ts';
import type { ImageDecoder } from '../../media/decode/image-decoder.ts';
import type { GenerateOptions, Rendition, SliceJob } from '../generator.ts';
import { packFrames } from './continuation.ts';
import { Previews } from './previews.ts';
import type { SliceInput } from './workflows/parameters.ts';
import type { ComfyPool } from './server/pool.ts';
import type { ComfyServer } from './server/server.ts';
import { isOutOfMemory, isServerGone, serverDown, tapBlocked } from './server/server-error.ts';
import { runTap } from './tap-run.ts';
import { TapFrames } from './tap-frames.ts';
import { TapSound } from './tap-sound.ts';
import { sliceFramesOf, type TapTier, type Workflow } from './workflows/workflow.ts';

/** Repeats of a tap whose pictures got lost. Only the sending repeats: the rest is in the server's cache. */
const REPEATS_MAX = 2;

/** Shared by all slices. */
export interface SliceContext {
  pool: ComfyPool;
  decoder: ImageDecoder;
  workflow: Workflow;
}

export interface SliceRunOptions extends GenerateOptions {
  job: SliceJob;
  /** Values for the graph at one server; each server names its uploads itself. */
  inputAt: (server: ComfyServer, signal: AbortSignal) => Promise<SliceInput>;
}

interface Making {
  tier: TapTier;
  tap: TapFrames;
  sound: TapSound;
  /** Undefined where no draft is wanted. */
  previews: Previews | undefined;
  /** Compute time of the prompt alone, set when it has ended. */
  computeMs: number;
}

export class SliceRun {
  readonly #context: SliceContext;
  readonly #options: SliceRunOptions;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  /** The server whose cache holds the stages so far. */
  #server: ComfyServer | undefined;
  #making: Making | undefined;
  #latentsGiven = false;

  constructor(context: SliceContext, options: SliceRunOptions) {
    this.#context = context;
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#abort.signal]);
  }

  /**
   * Starts `tier` and yields its previews as drafts until the first frame of the tier is there: none where the server
   * sends none. One picture stands for all frames of a draft: a preview shows one moment of the clip.
   * @param most how many drafts to yield
   */
  async *drafts(tier: TapTier, most = Infinity): AsyncGenerator<Rendition, void> {
    const startedMs = performance.now();
    const { previews } = this.#make(tier, { draft: true });
    const { revision, slice } = this.#options.job;
    for (let count = 0; count < most; count++) {
      const shown = await previews?.next();
      if (shown === undefined) return;
      const frames = Array.from({ length: sliceFramesOf(this.#context.workflow) }, () => shown);
      yield { revision, slice, tier: 'draft', frames, computeMs: performance.now() - startedMs };
    }
  }

  /**
   * The tier in runs of frames as they arrive. The last frame waits for the frames after it, because it carries what
   * the next slice continues from.
   * @throws GlimpseError ABORTED, GENERATOR_DOWN, WORKFLOW_INVALID
   */
  async *render(tier: TapTier): AsyncGenerator<Rendition, void> {
    const making = this.#make(tier);
    const count = sliceFramesOf(this.#context.workflow);
    const { revision, slice } = this.#options.job;
    const tail: I420Frame[] = [];
    let firstFrame = 0;
    for (let frames = await making.tap.next(); frames !== undefined; frames = await making.tap.next()) {
      const shown = frames.slice(0, count - firstFrame - tail.length);
      if (firstFrame + shown.length === count) tail.push(...shown.splice(-1));
      if (shown.length > 0) yield { revision, slice, tier, frames: shown, firstFrame, computeMs: 0, ...this.#reduced };
      firstFrame += shown.length;
    }
    this.#making = undefined;
    const { computeMs } = making;
    const audio = await making.sound.ready();
    const rest = { ...this.#reduced, ...this.#latents(making), ...(audio && { audio }) };
    yield { revision, slice, tier, frames: tail, firstFrame, computeMs, ...rest };
  }

  /** Interrupts what is being made for this slice. */
  close(): void {
    this.#abort.abort();
  }

  get #reduced(): { reduced?: true } {
    return this.#server?.memoryMode === 'smaller' ? { reduced: true } : {};
  }

  #latents({ tap: { last } }: Making): { latents?: Float32Array } {
    if (this.#latentsGiven || last.length === 0) return {};
    this.#latentsGiven = true;
    return { latents: packFrames(last) };
  }

  #make(tier: TapTier, { draft = false } = {}): Making {
    if (this.#making?.tier === tier) return this.#making;
    const { workflow, decoder } = this.#context;
    const { widthPx, heightPx } = workflow.tiers.find((info) => info.tier === tier) ?? { widthPx: 0, heightPx: 0 };
    const tap = new TapFrames({ decoder, count: workflow.frames, keepLast: workflow.overlapFrames, widthPx, heightPx });
    const previews = draft ? new Previews((image) => tap.decode(image)) : undefined;
    const shape = { frames: sliceFramesOf(workflow), fps: workflow.fps };
    const sound = new TapSound({ slice: this.#options.job.slice, shape });
    const making: Making = { tier, tap, sound, previews, computeMs: 0 };
    this.#making = making;
    void this.#inTurn(making);
    return making;
  }

  /**
   * A prompt is one unit of work. The turn ends when a server is free, not when this prompt ends. So several servers
   * run several prompts, and the next job is chosen only when there is room for it.
   */
  async #inTurn(making: Making): Promise<void> {
    const { turn } = this.#options;
    let filled: Promise<void> | undefined;
    const run = (): Promise<void> => {
      filled = this.#fill(making);
      return this.#context.pool.whenFree();
    };
    try {
      if (turn) await turn({ kind: `comfyui:${making.tier}`, run });
      else await run();
    } catch (error) {
      making.tap.fail(error);
    }
    await filled;
    making.sound.end();
    making.previews?.end();
  }

  /** Never rejects: failures go to the reader of the frames. */
  async #fill(making: Making): Promise<void> {
    const { pool } = this.#context;
    const startedMs = performance.now();
    const tried = new Set<ComfyServer>();
    let failure: unknown = serverDown('There is no ComfyUI server.');
    for (let server = pool.pick(this.#server, tried); server; server = pool.pick(this.#server, tried)) {
      const used = server;
      this.#server = used;
      try {
        await pool.at(used, () => this.#whole(used, making));
        making.computeMs = performance.now() - startedMs;
        return;
      } catch (error) {
        failure = error;
        if (this.#signal.aborted) break;
        if (isOutOfMemory(error) && used.ranOutOfMemory()) {
          await used.client.free(this.#signal).catch(() => {});
          continue;
        }
        if (!isServerGone(error)) break;
        used.failed();
        tried.add(used);
      }
    }
    making.tap.fail(failure);
    making.previews?.end();
  }

  async #whole(server: ComfyServer, { tier, tap, sound, previews }: Making): Promise<void> {
    const { workflow } = this.#context;
    const { onProgress } = this.#options;
    // Once per tier: a server that restarted meanwhile has lost its uploads.
    const input = await this.#options.inputAt(server, this.#signal);
    for (let repeats = 0; repeats <= REPEATS_MAX; repeats++) {
      tap.restart();
      const signal = this.#signal;
      const { unheard } = await runTap({
        client: server.client,
        workflow,
        input,
        memoryMode: server.memoryMode,
        tier,
        tap,
        sound,
        previews,
        onProgress,
        signal,
      });
      if (tap.complete) return;
      // An ExecutionBlocker before the tap ends the prompt well, and without a picture.
      if (!unheard && !tap.hasGap && tap.taken === 0) throw tapBlocked(tier);
    }
    throw serverDown('ComfyUI sent fewer frames than the workflow makes.');
  }
}
