/**
 * Yields the finished pictures of a clip, slice after slice, each continued from and joined to the one before. The
 * command line writes them to a file; the service keeps them for the web.
 */
import type { I420Frame } from '../../picture/frame.ts';
import type { Sound } from '../../picture/sound.ts';
import { DriftReference } from './drift-reference.ts';
import type { GenerateOptions, Generator, Rendition } from '../generator.ts';
import { promptAt, type PromptTrack } from '../prompt/prompt-list.ts';
import { SliceJoints } from './slice-joints.ts';
import type { Tier } from '../../picture/tiers.ts';

export interface ClipPlan {
  generator: Generator;
  track: PromptTrack;
  seed: number;
  guidance?: number | undefined;
  /** Holds later slices to the statistics of the first one of the same prompt. */
  adain?: boolean | undefined;
  slices: number;
  tier: Tier;
  signal: AbortSignal;
  /** The scheduler's turn; see `GenerateOptions.turn`. */
  turn?: GenerateOptions['turn'];
}

/**
 * Only the wanted tier's frames come out. Nothing is computed before it is pulled.
 * @param onSlice after each slice, with the number done and whether this one came out of a cache
 * @param onSound before the frames of each slice
 * @throws GlimpseError as `Generator.generate`
 */
export async function* clipFrames(
  clip: ClipPlan,
  onSlice: (done: number, cached: boolean) => void = () => {},
  onSound: (slice: number, sound: Sound | undefined) => void = () => {},
): AsyncGenerator<I420Frame, void, undefined> {
  const { generator, track, seed, guidance, tier, signal, turn } = clip;
  const drift = new DriftReference(clip.adain === true);
  const joints = new SliceJoints(generator.info.slice);
  const sliceMs = (generator.info.slice.frames * 1000) / generator.info.slice.fps;
  let previous: Float32Array | undefined;
  for (let slice = 0; slice < clip.slices; slice++) {
    const told = promptAt(track, slice);
    const job = {
      revision: 0,
      slice,
      ...told,
      ...drift.of(told),
      seed,
      startMs: slice * sliceMs,
      startAtTier: tier,
      stopAtTier: tier,
      ...(guidance === undefined ? {} : { guidance }),
      ...(previous ? { previous } : {}),
    };
    let best: Rendition | undefined;
    for await (const rendition of generator.generate(job, { signal, ...(turn ? { turn } : {}) })) {
      if (rendition.latents) drift.onSlice(told, rendition.tier, rendition.latents);
      if (rendition.latents) previous = rendition.latents;
      // A tier may come in several runs of frames.
      const before = best?.tier === rendition.tier ? best.frames : [];
      const audio = rendition.audio ?? best?.audio;
      best = { ...rendition, frames: [...before, ...rendition.frames], ...(audio && { audio }) };
    }
    onSound(slice, best?.audio);
    if (best) yield* (await joints.join(best, job.previous !== undefined)).frames;
    joints.forget((done) => done < slice);
    onSlice(slice + 1, best?.cached === 'segment');
  }
}
