/**
 * The previews of one prompt: the server sends one a denoise step, each clearer than the last. Only the newest counts,
 * so at most two are held, one of them being decoded. An unreadable preview counts as none. The first frame of the tap
 * ends them.
 */
import { kept } from '../../lifetime/kept-promise.ts';
import type { I420Frame } from '../../picture/frame.ts';

export class Previews {
  readonly #decode: (image: Uint8Array) => Promise<I420Frame>;
  #waiting: Uint8Array | undefined;
  #decoding: Promise<void> | undefined;
  #newest: I420Frame | undefined;
  #ended = false;
  #change = Promise.withResolvers<void>();

  /** `decode` makes a frame of the draft's size. */
  constructor(decode: (image: Uint8Array) => Promise<I420Frame>) {
    this.#decode = decode;
  }

  /**
   * Takes ownership of the bytes. An older preview that still waits is dropped.
   * @returns settles when no preview waits or is being decoded; never rejects
   */
  add(image: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#waiting = image;
    this.#decoding ??= kept(this.#decodeAll());
    return this.#decoding;
  }

  /** No further preview counts. Idempotent. */
  end(): void {
    this.#ended = true;
    this.#waiting = undefined;
    this.#tell();
  }

  /** The newest preview, each once; waits for it. Undefined after the end. */
  async next(): Promise<I420Frame | undefined> {
    for (;;) {
      const newest = this.#newest;
      this.#newest = undefined;
      if (newest !== undefined) return newest;
      if (this.#ended && this.#decoding === undefined) return undefined;
      await this.#change.promise;
    }
  }

  async #decodeAll(): Promise<void> {
    for (let image = this.#waiting; image !== undefined; image = this.#waiting) {
      this.#waiting = undefined;
      this.#newest = (await this.#decode(image).catch(() => undefined)) ?? this.#newest;
      this.#tell();
    }
    this.#decoding = undefined;
    this.#tell();
  }

  #tell(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
