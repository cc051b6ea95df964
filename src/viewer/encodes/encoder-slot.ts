/** Holds the one encoder of a session. A new codec or a new rung replaces the encoder. */
import { GlimpseError } from '../../errors.ts';
import type { I420Frame } from '../../picture/frame.ts';
import type {
  AccessUnit,
  EncodeOptions,
  EncoderFactory,
  VideoCodec,
  VideoEncoder,
} from '../../media/encode/encoder.ts';

export interface EncoderNeed {
  widthPx: number;
  heightPx: number;
  fps: number;
  bitrateBps: number;
}

export class EncoderSlot {
  readonly #create: EncoderFactory;
  #codec: VideoCodec | undefined;
  #nalMaxBytes: number | undefined;
  #heldNalMaxBytes: number | undefined;
  #encoder: VideoEncoder | undefined;
  #closed = false;
  /** Serializes openings, so that preparing early never opens two encoders. */
  #opening: Promise<unknown> = Promise.resolve();
  /** True until the current encoder has encoded its first frame. */
  fresh = true;

  constructor(create: EncoderFactory) {
    this.#create = create;
  }

  get codec(): VideoCodec | undefined {
    return this.#codec;
  }

  /** @param nalMaxBytes see `EncoderSettings` */
  setCodec(codec: VideoCodec, nalMaxBytes?: number): void {
    this.#codec = codec;
    this.#nalMaxBytes = nalMaxBytes;
  }

  /** Opens an encoder of this size and the current codec unless one is open. */
  get(need: EncoderNeed): Promise<this> {
    const ready = this.#opening.then(() => this.#ensure(need));
    this.#opening = ready.catch(() => {});
    return ready;
  }

  async #ensure(need: EncoderNeed): Promise<this> {
    if (this.#closed || !this.#codec) throw new GlimpseError('ENCODER_CLOSED');
    const { widthPx, heightPx } = need;
    const held = this.#encoder;
    const suits = held?.codec === this.#codec && this.#heldNalMaxBytes === this.#nalMaxBytes;
    if (suits && held?.widthPx === widthPx && held.heightPx === heightPx) return this;
    this.#encoder = undefined;
    await held?.close();
    this.#heldNalMaxBytes = this.#nalMaxBytes;
    const encoder = await this.#create({ codec: this.#codec, nalMaxBytes: this.#nalMaxBytes, ...need });
    if (this.#closed) {
      await encoder.close();
      throw new GlimpseError('ENCODER_CLOSED');
    }
    this.#encoder = encoder;
    this.fresh = true;
    return this;
  }

  /** True where other sessions could not show what this one encodes. */
  get cutSmall(): boolean {
    return this.#nalMaxBytes !== undefined;
  }

  async encode(frame: I420Frame, options: EncodeOptions): Promise<AccessUnit> {
    const encoder = this.#encoder;
    if (!encoder) throw new GlimpseError('ENCODER_CLOSED');
    try {
      const unit = await encoder.encode(frame, options);
      this.fresh = false;
      return unit;
    } catch (error) {
      // Drops a failed encoder: the next frame opens a new one.
      this.#encoder = undefined;
      await encoder.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening;
    await this.#encoder?.close();
    this.#encoder = undefined;
  }
}
