/** The sound of a clip on its way to a file: slice after slice, joined, with silence where a slice has none. */
import { PassThrough, type Readable } from 'node:stream';
import { sliceSamples, type Sound } from '../../picture/sound.ts';
import { checkedSound } from '../audio/sound-check.ts';
import { SoundStore, type SoundShape } from '../audio/sound-store.ts';

export class ClipSound {
  readonly channels: 1 | 2;
  readonly #shape: SoundShape;
  readonly #store: SoundStore;
  readonly #bytes = new PassThrough();

  constructor(shape: SoundShape) {
    this.channels = shape.channels;
    this.#shape = shape;
    this.#store = new SoundStore(shape);
  }

  /** Interleaved 32-bit floats in the machine's order, at 48 kHz. Read once. */
  get bytes(): Readable {
    return this.#bytes;
  }

  /** Slices come in order, each before its pictures. Sound that cannot be used counts as none. */
  put(slice: number, sound: Sound | undefined): void {
    const { from, to } = sliceSamples(slice, this.#shape);
    if (sound) this.#keep(slice, sound);
    const { samples } = this.#store.read(0, from, to - from);
    this.#store.dropBefore(0, slice);
    this.#bytes.write(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
  }

  end(): void {
    this.#bytes.end();
  }

  #keep(slice: number, sound: Sound): void {
    try {
      this.#store.put({ revision: 0, slice, rank: 0 }, checkedSound(sound, slice, this.#shape));
    } catch {
      // Silence is better than no clip.
    }
  }
}
