/** Chooses this machine's encoder: node-av in process where it loads, otherwise a child of the bundled ffmpeg. */
import { GlimpseError } from '../../errors.ts';
import type { EncoderFactory } from './encoder.ts';
import { ffmpegBinary } from '../ffmpeg-binary.ts';
import { FfmpegEncoder } from './ffmpeg-encoder.ts';
import { loadLibav } from '../libav-loader.ts';
import { LibavEncoder } from './libav-encoder.ts';

export const ENCODER_CHOICES = ['auto', 'libav', 'ffmpeg'] as const;
export type EncoderChoice = (typeof ENCODER_CHOICES)[number];

export interface EncoderBackend {
  name: Exclude<EncoderChoice, 'auto'>;
  /** Whether it works on this machine. */
  loads: boolean;
}

/** All backends, best first; for `glimpse doctor`. Loads the native module as a side effect. */
export async function encoderBackends(): Promise<EncoderBackend[]> {
  const [libav, ffmpeg] = await Promise.all([libavLoads(), ffmpegBinary()]);
  return [
    { name: 'libav', loads: libav },
    { name: 'ffmpeg', loads: ffmpeg !== undefined },
  ];
}

/**
 * @param choice `auto` takes the first backend that loads
 * @returns a factory that rejects with ENCODER_FAILED where the backend does not work
 */
export function encoderFactory(choice: EncoderChoice): EncoderFactory {
  if (choice === 'libav') return (settings) => LibavEncoder.open(settings);
  if (choice === 'ffmpeg') return (settings) => FfmpegEncoder.open(settings);
  return async (settings) => {
    const backend = (await encoderBackends()).find(({ loads }) => loads);
    if (backend === undefined)
      throw new GlimpseError('ENCODER_FAILED', {
        message: 'No encoder loads on this machine: neither node-av nor ffmpeg. Install the packages again: npm ci.',
      });
    return encoderFactory(backend.name)(settings);
  };
}

const libavLoads = (): Promise<boolean> =>
  loadLibav().then(
    () => true,
    () => false,
  );
