/**
 * Returns the camera's own pictures, each as soon as it comes, to measure the whole way without a model: what stands in
 * them, a bar code for example, comes back. A camera that is slower than the stream has its last picture repeated; while
 * there is none, the test pattern is shown.
 */
import { sleep, type Clock } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import type { LivePicture, LiveSource } from '../../picture/live-source.ts';
import type { GenerateOptions, Generator, GeneratorInfo, PromptReading, Rendition, SliceJob } from '../generator.ts';
import { PatternGenerator } from './pattern.ts';

export interface MirrorOptions {
  /** Even. */
  widthPx: number;
  /** Even. */
  heightPx: number;
  fps: number;
  clock: Clock;
}

/** Frames of a slice: few, since each comes by itself. */
const SLICE_FRAMES = 8;
/** Shares of a frame's duration: how far ahead of its turn a picture may come, and how late the last one is repeated. */
const EARLY = 0.2;
const LATEST = 1.5;

export class MirrorGenerator implements Generator {
  readonly info: GeneratorInfo;
  readonly #options: MirrorOptions;
  readonly #pattern: PatternGenerator;
  /** The picture shown last, by source, and its turn: turns are a frame apart, so that no queue can grow. */
  readonly #shown = new WeakMap<LiveSource, { number: number; turnUs: number }>();

  /** @throws GlimpseError PARAMETER_INVALID as `PatternGenerator` */
  constructor(options: MirrorOptions) {
    const { widthPx, heightPx, fps } = options;
    this.#options = options;
    this.#pattern = new PatternGenerator({ widthPx, heightPx, fps, sliceFrames: SLICE_FRAMES });
    this.info = {
      ...this.#pattern.info,
      name: 'mirror',
      conditioning: 'none: it shows the camera',
      tiers: [{ tier: 'base', widthPx, heightPx }],
      progressive: false,
      live: true,
    };
  }

  read(): Promise<PromptReading> {
    return this.#pattern.read();
  }

  async *generate(job: SliceJob, options: GenerateOptions): AsyncGenerator<Rendition, void, undefined> {
    const { live, revision, slice } = job;
    if (live === undefined) {
      yield* this.#pattern.generate({ ...job, startAtTier: 'base', stopAtTier: 'base' }, options);
      return;
    }
    for (let firstFrame = 0; firstFrame < SLICE_FRAMES; firstFrame++) {
      const picture = await this.#nextOf(live, options.signal);
      if (options.signal.aborted || picture === undefined) throw new GlimpseError('ABORTED');
      yield { revision, slice, tier: 'base', frames: [picture.frame], firstFrame, computeMs: 0 };
    }
  }

  warmUp(): Promise<void> {
    return this.#pattern.warmUp();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pattern.close();
  }

  /** The next picture at the stream's pace; the last one again when none has come in time. */
  async #nextOf(live: LiveSource, signal: AbortSignal): Promise<LivePicture | undefined> {
    const { widthPx, heightPx, fps, clock } = this.#options;
    const frameUs = 1_000_000 / fps;
    const shown = this.#shown.get(live) ?? { number: 0, turnUs: -Infinity };
    const soonestUs = shown.turnUs + frameUs * (1 - EARLY);
    if (soonestUs > clock.nowUs()) await sleep(clock, (soonestUs - clock.nowUs()) / 1_000, signal);
    const late = new AbortController();
    const timer = clock.after((frameUs * LATEST) / 1_000, () => late.abort());
    const size = { widthPx, heightPx };
    const fresh = await live.next(size, shown.number, AbortSignal.any([signal, late.signal]));
    timer.close();
    const picture = fresh ?? (signal.aborted ? undefined : await live.newest(size));
    const turnUs = Math.max(shown.turnUs + frameUs, clock.nowUs() - frameUs * EARLY);
    if (picture) this.#shown.set(live, { number: picture.number, turnUs });
    return picture;
  }
}
