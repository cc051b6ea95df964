/** Channels and mixing of interleaved PCM. Pure. */
import type { Sound } from '../../picture/sound.ts';

/** The same sound with this many channels: one becomes two equal ones, two become their mean. */
export function withChannels({ channels, samples }: Sound, wanted: 1 | 2): Float32Array {
  if (channels === wanted) return samples;
  if (wanted === 2) {
    const stereo = new Float32Array(samples.length * 2);
    for (let index = 0; index < samples.length; index++) stereo[2 * index] = stereo[2 * index + 1] = samples[index]!;
    return stereo;
  }
  const mono = new Float32Array(samples.length / 2);
  for (let index = 0; index < mono.length; index++) mono[index] = (samples[2 * index]! + samples[2 * index + 1]!) / 2;
  return mono;
}

/** Adds `added` to `target`, limited to [-1, 1]. Both are interleaved with the same channels and equally long. */
export function mixInto(target: Float32Array, added: Float32Array): void {
  for (let index = 0; index < target.length; index++)
    target[index] = Math.max(-1, Math.min(1, target[index]! + added[index]!));
}

/** True where nothing at all is heard: an encoder may then stop sending (DTX). */
export const isSilent = (samples: Float32Array): boolean => samples.every((value) => value === 0);
