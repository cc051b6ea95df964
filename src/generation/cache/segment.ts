/**
 * A segment: the finished frames of one slice at one tier, and the latents that the next slice continues from. Its key
 * covers everything the pictures depend on, so any session can replay it instead of computing, even after a restart.
 * The key is a digest: file names reveal no prompt.
 */
import { createHash } from 'node:crypto';
import type { I420Frame } from '../../picture/frame.ts';
import type { Sound } from '../../picture/sound.ts';
import type { SliceJob } from '../generator.ts';
import { normalizePrompt } from '../prompt/prompt.ts';
import type { Grade, Variant } from '../grades.ts';
import type { Tier } from '../../picture/tiers.ts';

export interface Segment {
  tier: Tier;
  /** How the tier was made. Absent: by the full part. */
  variant?: Variant | undefined;
  /** All frames of the slice, of one size. Shared by all sessions that show them: never write to them. */
  frames: readonly I420Frame[];
  latents: Float32Array | undefined;
  /** Sound of the slice; shared as the frames are. */
  audio?: Sound | undefined;
}

export const segmentBytes = ({ frames, latents, audio }: Segment): number =>
  frames.reduce(
    (sum, { data }) => sum + data.byteLength,
    (latents?.byteLength ?? 0) + (audio?.samples.byteLength ?? 0),
  );

/** A slice's key at one grade: 64 hexadecimal digits, a dash, the grade. */
export const segmentKey = (slice: string, grade: Grade): string => `${slice}-${grade}`;

/** The only file names that are read in a cache folder. */
export const SEGMENT_KEY = /^[0-9a-f]{64}-(draft|base|refined|upscaled)$/;

/** Digests of latents seen before: each tier of the next slice asks for the same ones. */
const digests = new WeakMap<Float32Array, string>();

/**
 * The key of a slice, without its tier: model, prompt, mix, seed, guidance, time, and a digest of everything it
 * continues, starts from or is held to. The revision does not count.
 * @param identity generator and weights: two packs must never share it
 */
export function sliceKey(identity: string, job: SliceJob): string {
  const { slice, prompt, seed, guidance, startMs, previous, mix, start, maxSteps, reference, input, options } = job;
  const parts = {
    identity,
    slice,
    prompt: spoken(prompt),
    seed,
    guidance,
    startMs,
    mix: mix && { ...mix, towards: spoken(mix.towards) },
    previous: previous && digestOf(previous),
    start: start && { latents: digestOf(start.latents), strength: start.strength },
    maxSteps,
    reference: reference && digestOf(reference),
    input: input?.sha256,
    options,
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function digestOf(latents: Float32Array): string {
  const known = digests.get(latents);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(latents.buffer, latents.byteOffset, latents.byteLength);
  const digest = createHash('sha256').update(bytes).digest('hex');
  digests.set(latents, digest);
  return digest;
}

/** Prompts arrive normalised. The generator refuses one that is not valid; this function does not. */
function spoken(prompt: string): string {
  try {
    return normalizePrompt(prompt);
  } catch {
    return prompt;
  }
}
