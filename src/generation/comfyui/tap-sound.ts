/**
 * The sound of one tap: fetched as soon as the server names its file, decoded, and cut to the part that the slice shows,
 * because the run's last frames are the first of the next slice. A slice whose sound cannot be had is silent.
 */
import { decodeSoundFile } from '../../media/audio/libav-sound-file.ts';
import { sliceSamples, SOUND_RATE_HZ, type Sound } from '../../picture/sound.ts';

/** A run's sound may end this much before its pictures, because latents of sound are longer than a frame. */
const MISSING_MAX_SAMPLES = SOUND_RATE_HZ / 4;

export interface TapSoundOptions {
  slice: number;
  /** Of the slice as it is shown. */
  shape: { frames: number; fps: number };
  onFailed?: ((error: unknown) => void) | undefined;
}

export class TapSound {
  readonly #options: TapSoundOptions;
  readonly #named = Promise.withResolvers<Sound | undefined>();
  #isNamed = false;

  constructor(options: TapSoundOptions) {
    this.#options = options;
  }

  /** Starts with the file's bytes; only the first call counts. */
  begin(fetch: () => Promise<Uint8Array>): void {
    if (this.#isNamed) return;
    this.#isNamed = true;
    this.#named.resolve(this.#made(fetch()));
  }

  /** The run is over, or has no sound: no file will be named. */
  end(): void {
    this.#isNamed = true;
    this.#named.resolve(undefined);
  }

  /**
   * Waits until the run is over at most: the server may name the file after the last picture.
   * @returns undefined where it named none, or none of use. Never rejects
   */
  ready(): Promise<Sound | undefined> {
    return this.#named.promise;
  }

  async #made(bytes: Promise<Uint8Array>): Promise<Sound | undefined> {
    const { slice, shape, onFailed } = this.#options;
    try {
      return cutTo(await decodeSoundFile(await bytes), slice, shape);
    } catch (error) {
      onFailed?.(error);
      return undefined;
    }
  }
}

/** The beginning of a run's sound, as long as its slice; undefined if it is too short to be of this run. */
export function cutTo({ channels, samples }: Sound, slice: number, shape: TapSoundOptions['shape']): Sound | undefined {
  const { from, to } = sliceSamples(slice, shape);
  const wanted = (to - from) * channels;
  if (samples.length + MISSING_MAX_SAMPLES * channels < wanted) return undefined;
  const cut = new Float32Array(wanted);
  cut.set(samples.subarray(0, wanted));
  return { channels, samples: cut };
}
