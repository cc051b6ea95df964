/** Checks the sound that a generator gives with a slice: what is stored is finite and exactly as long as it should be. */
import { GlimpseError } from '../../errors.ts';
import { sliceSamples, type Sound } from '../../picture/sound.ts';

/**
 * A generator that says it makes sound may still give none with a slice. Samples beyond [-1, 1] are limited, as an
 * encoder would do.
 * @returns the sound to keep, the same object where nothing had to change
 * @throws GlimpseError SOUND_INVALID with what was found
 */
export function checkedSound(sound: Sound, slice: number, shape: { frames: number; fps: number }): Sound {
  const { channels, samples } = sound;
  const { from, to } = sliceSamples(slice, shape);
  const expected = to - from;
  if (channels !== 1 && channels !== 2) throw invalid({ channels });
  if (!(samples instanceof Float32Array)) throw invalid({ samples: typeof samples });
  if (samples.length !== expected * channels) throw invalid({ expected, found: samples.length / channels });
  let loudest = 0;
  for (let index = 0; index < samples.length; index++) {
    const size = Math.abs(samples[index]!);
    // False for NaN as well, which compares with nothing.
    if (!(size < Infinity)) throw invalid({ sample: index });
    if (size > loudest) loudest = size;
  }
  return loudest <= 1 ? sound : { channels, samples: samples.map((value) => Math.max(-1, Math.min(1, value))) };
}

const invalid = (details: Record<string, unknown>): GlimpseError => new GlimpseError('SOUND_INVALID', { details });
