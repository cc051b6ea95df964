/**
 * The frames of one tap, decoded while they arrive. A picture carries no index: its place is its place in the order, so
 * after a gap in the events nothing that follows can be placed, and the tap must be asked for again.
 */
import type { I420Frame } from '../../media/frame.ts';
import type { ImageDecoder } from '../../media/image-decoder.ts';
import { imageFormat } from './binary-event.ts';

export interface TapFramesOptions {
  decoder: ImageDecoder;
  /** Frames the tap sends. */
  count: number;
  /** Size of the decoded frames; pictures of another size are scaled. */
  widthPx: number;
  heightPx: number;
}

export class TapFrames {
  readonly #options: TapFramesOptions;
  readonly #frames: Promise<I420Frame>[] = [];
  #last: Uint8Array | undefined;
  #gap = false;

  constructor(options: TapFramesOptions) {
    this.#options = options;
  }

  /** Every frame is there, in its place. */
  get complete(): boolean {
    return !this.#gap && this.#frames.length === this.#options.count;
  }

  /** The last frame as the server encoded it. */
  get last(): Uint8Array | undefined {
    return this.#last;
  }

  /** Pictures beyond the count are dropped: they are not of this graph. */
  add(image: Uint8Array): void {
    const { count } = this.#options;
    if (this.#gap || this.#frames.length >= count) return;
    const frame = this.decode(image);
    // Whoever awaits `decoded` sees the failure; a run that fails before must not end the process.
    frame.catch(() => {});
    this.#frames.push(frame);
    if (this.#frames.length === count) this.#last = new Uint8Array(image);
  }

  onGap(): void {
    if (!this.complete) this.#gap = true;
  }

  decoded(): Promise<I420Frame[]> {
    return Promise.all(this.#frames);
  }

  /** A picture that is not of the tap, at the same size. */
  decode(image: Uint8Array): Promise<I420Frame> {
    const { decoder, widthPx, heightPx } = this.#options;
    return decoder.decode(image, { format: imageFormat(image) ?? 'png', widthPx, heightPx });
  }
}
