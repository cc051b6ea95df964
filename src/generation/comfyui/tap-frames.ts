/**
 * The frames of one tap, decoded as they arrive and returned in order. A picture carries no index: its position among
 * its prompt's pictures is its index. After a gap in the events, later pictures cannot be placed. Then the tap is
 * requested again (`restart`), and pictures that are already there are skipped.
 */
import type { I420Frame } from '../../picture/frame.ts';
import type { ImageDecoder } from '../../media/decode/image-decoder.ts';
import { imageFormat } from './server/binary-event.ts';

export interface TapFramesOptions {
  decoder: ImageDecoder;
  /** Frames the tap sends. */
  count: number;
  /** How many of the last frames to keep as encoded, for the next slice. */
  keepLast: number;
  /** Size of the decoded frames; pictures of another size are scaled. */
  widthPx: number;
  heightPx: number;
}

export class TapFrames {
  readonly #options: TapFramesOptions;
  readonly #decoded: (I420Frame | undefined)[] = [];
  readonly #last: Uint8Array[] = [];
  /** Frames received from the current prompt, and from all prompts so far. */
  #arrived = 0;
  #taken = 0;
  #given = 0;
  #gap = false;
  #failure: { error: unknown } | undefined;
  #change = Promise.withResolvers<void>();

  constructor(options: TapFramesOptions) {
    this.#options = options;
  }

  /** Every frame has arrived, in its place. */
  get complete(): boolean {
    return this.#taken === this.#options.count;
  }

  /** Events may be missing since the current prompt began. */
  get hasGap(): boolean {
    return this.#gap;
  }

  /** Frames received so far. */
  get taken(): number {
    return this.#taken;
  }

  /** The last frames as the server encoded them, oldest first; all of them once `complete`. */
  get last(): readonly Uint8Array[] {
    return this.#last;
  }

  /**
   * Takes ownership of the bytes. Drops pictures beyond the count: they are not of this graph.
   * @returns settles when the picture is decoded; never rejects
   */
  async add(image: Uint8Array): Promise<void> {
    const { count, keepLast } = this.#options;
    if (this.#gap || this.#arrived >= count) return;
    const index = this.#arrived++;
    if (index < this.#taken) return;
    this.#taken += 1;
    if (index >= count - keepLast) this.#last.push(new Uint8Array(image));
    try {
      this.#decoded[index] = await this.decode(image);
      this.#tell();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Events may be missing from here on. */
  onGap(): void {
    if (!this.complete) this.#gap = true;
  }

  /** A new prompt sends the tap again from its first frame. */
  restart(): void {
    this.#gap = false;
    this.#arrived = 0;
  }

  /** No more frames will arrive. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#tell();
  }

  /** The next frames, at least one; undefined after the last. @throws the error given to `fail` */
  async next(): Promise<I420Frame[] | undefined> {
    while (this.#given < this.#options.count) {
      const frames: I420Frame[] = [];
      for (let frame = this.#decoded[this.#given]; frame !== undefined; frame = this.#decoded[this.#given]) {
        frames.push(frame);
        // The caller keeps it: a batch at full size is hundreds of megabytes.
        this.#decoded[this.#given] = undefined;
        this.#given += 1;
      }
      if (frames.length > 0) return frames;
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#change.promise;
    }
    return undefined;
  }

  /** Takes ownership of the bytes, also of a picture that is not the tap's. All frames get the same size. */
  decode(image: Uint8Array): Promise<I420Frame> {
    const { decoder, widthPx, heightPx } = this.#options;
    return decoder.decode(image, { format: imageFormat(image) ?? 'png', widthPx, heightPx, handOver: true });
  }

  #tell(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
