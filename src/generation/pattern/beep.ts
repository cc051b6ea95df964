/**
 * Sound of the test pattern, in step with its pictures: once a second a beep that begins with the first frame of a
 * white flash, and in between a quiet tone, in which a gap or a click would be heard. Both follow the revision's time,
 * so that slices join exactly. Pure.
 */
import { SOUND_RATE_HZ, sliceSamples, type Sound } from '../../picture/sound.ts';

const BEEP_HZ = 1_000;
const BEEP_VOLUME = 0.5;
const HUM_HZ = 300;
const HUM_VOLUME = 0.02;
/** Length of flash and beep. */
export const BEEP_MS = 100;
/** Rise and fall of the beep. */
const RAMP_SAMPLES = SOUND_RATE_HZ / 500;

/** Frames from one flash to the next: as near to a second as whole frames come. */
export const flashFrames = (fps: number): number => Math.max(2, Math.round(fps));

/** Whether a frame of a revision shows the flash. */
export const isFlash = (frame: number, fps: number): boolean =>
  ((frame % flashFrames(fps)) * 1_000) / fps < Math.min(BEEP_MS, 500);

/** The slice's sound, mono. */
export function beepSound(slice: number, shape: { frames: number; fps: number }): Sound {
  const { from, to } = sliceSamples(slice, shape);
  const period = (flashFrames(shape.fps) * SOUND_RATE_HZ) / shape.fps;
  const length = (BEEP_MS * SOUND_RATE_HZ) / 1_000;
  const samples = new Float32Array(to - from);
  for (let index = 0; index < samples.length; index++) {
    const sample = from + index;
    // The beep's own time, from the flash before it on.
    const since = sample - Math.round(Math.floor(sample / period) * period);
    const ramp = Math.min(1, since / RAMP_SAMPLES, (length - since) / RAMP_SAMPLES);
    const beep = ramp > 0 ? BEEP_VOLUME * ramp * Math.sin((2 * Math.PI * BEEP_HZ * since) / SOUND_RATE_HZ) : 0;
    samples[index] = beep + HUM_VOLUME * Math.sin((2 * Math.PI * HUM_HZ * sample) / SOUND_RATE_HZ);
  }
  return { channels: 1, samples };
}
