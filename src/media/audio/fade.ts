/**
 * Fades of 20 ms between two sounds, and the repair of a step between two slices. A fade keeps the power: unrelated
 * sounds get the cosine and sine of one angle as gains, and the more alike two sounds are, the less is added up, so that
 * a sound fades into itself unchanged. Pure.
 */
import { SOUND_RATE_HZ } from '../../picture/sound.ts';

/** Long enough that no click is heard, short enough that the change is heard at once. */
export const FADE_MS = 20;
export const FADE_SAMPLES = (SOUND_RATE_HZ * FADE_MS) / 1_000;

/**
 * Gains of the old and the new sound at `progress` (0 to 1) of a fade.
 * @param likeness correlation of the two, 0 (unrelated) to 1 (the same)
 */
export function fadeGains(progress: number, likeness: number): { out: number; in: number } {
  const angle = (progress * Math.PI) / 2;
  const [out, into] = [Math.cos(angle), Math.sin(angle)];
  const power = Math.sqrt(1 + 2 * out * into * likeness);
  return { out: out / power, in: into / power };
}

/** Fades `from` into `into` over the whole length, in place of `into`, limited to [-1, 1]. Both are interleaved. */
export function crossfade(from: Float32Array, into: Float32Array, channels: number): void {
  const likeness = likenessOf(from, into);
  const length = into.length / channels;
  for (let index = 0; index < length; index++) {
    const gains = fadeGains(index / length, likeness);
    for (let channel = 0; channel < channels; channel++) {
      const at = index * channels + channel;
      const sum = from[at]! * gains.out + into[at]! * gains.in;
      into[at] = Math.max(-1, Math.min(1, sum));
    }
  }
}

/** Correlation, 0 to 1; 0 where one is silent or they cancel each other. */
function likenessOf(a: Float32Array, b: Float32Array): number {
  let [both, powerA, powerB] = [0, 0, 0];
  for (let index = 0; index < b.length; index++) {
    both += a[index]! * b[index]!;
    powerA += a[index]! ** 2;
    powerB += b[index]! ** 2;
  }
  const norm = Math.sqrt(powerA * powerB);
  return norm > 0 ? Math.min(1, Math.max(0, both / norm)) : 0;
}

/** Samples on each side of a joint that tell how large its steps usually are. */
const USUAL_SAMPLES = 240;
/** A step this many times the usual largest one is heard as a click; below the floor it is not heard at all. */
const STEP_FACTOR = 2;
const STEP_FLOOR = 0.002;

/**
 * What to add to the sound after a joint so that it starts where the one before it ended: per channel the difference at
 * the joint, 0 where the step is no larger than those around it. Slices that continue each other stay as they are.
 * @param before at least the last samples before the joint, interleaved
 * @param after at least the first ones after it
 */
export function jointOffsets(before: Float32Array, after: Float32Array, channels: number): number[] {
  return Array.from({ length: channels }, (_, channel) => {
    const last = before[before.length - channels + channel];
    const first = after[channel];
    if (last === undefined || first === undefined) return 0;
    const step = Math.abs(first - last);
    const usual = Math.max(
      largestStep(before, Math.max(0, before.length / channels - USUAL_SAMPLES), channels, channel),
      largestStep(after, 0, channels, channel),
    );
    return step > Math.max(STEP_FLOOR, usual * STEP_FACTOR) ? last - first : 0;
  });
}

function largestStep(samples: Float32Array, from: number, channels: number, channel: number): number {
  const to = Math.min(samples.length / channels, from + USUAL_SAMPLES);
  let largest = 0;
  for (let index = from + 1; index < to; index++) {
    const at = index * channels + channel;
    largest = Math.max(largest, Math.abs(samples[at]! - samples[at - channels]!));
  }
  return largest;
}

/** The share of a joint's offset that remains `index` samples after it: from 1 down to 0, level at both ends. */
export function offsetShare(index: number): number {
  return index >= FADE_SAMPLES ? 0 : (1 + Math.cos((index / FADE_SAMPLES) * Math.PI)) / 2;
}
