/** One viewer's place among the encodes of a stream: what they get, and how it is encoded for them. */
import { randomUUID } from 'node:crypto';
import type { Allocation } from '../../congestion/allocation.ts';
import type { GlimpseError } from '../../errors.ts';
import { Emitter } from '../../events.ts';
import type { VideoCodec } from '../../media/encode/encoder.ts';
import type { VideoSender } from '../../transport/video-sender.ts';
import type { Encodes, Taker } from './encodes.ts';
import type { SentPicture } from './picture-loop.ts';

export interface EncodeSeatEvents {
  /** A picture is about to be chosen: the last moment for a newer allocation. */
  due: [];
  sent: [sent: SentPicture];
  /** The encoder failed; it is tried again. */
  error: [error: GlimpseError];
}

export class EncodeSeat {
  readonly events = new Emitter<EncodeSeatEvents>();
  readonly #id = randomUUID();
  readonly #encodes: Encodes;
  #taker: Taker | undefined;
  #allocation: Allocation | undefined;

  constructor(encodes: Encodes) {
    this.#encodes = encodes;
  }

  /** Motion between two frames of the stream, pixels; undefined: unknown. */
  get motionPx(): number | undefined {
    return this.#encodes.motionPxOf(this.#id);
  }

  /** How to encode for this viewer and how often; pushed by the control loop. */
  set allocation(allocation: Allocation) {
    this.#allocation = allocation;
    if (!this.#taker) return;
    this.#taker.allocation = allocation;
    this.#encodes.onAllocation(this.#id);
  }

  /** Opens the encoder that `attach` will probably need, while the connection is being made. */
  prepare(codec: VideoCodec): void {
    if (this.#allocation) this.#encodes.prepare(codec, this.#allocation);
  }

  /** Starts or continues sending on a connected path. The first picture leaves at once, as a keyframe. */
  attach(sender: VideoSender): void {
    this.detach();
    if (!this.#allocation) return;
    const { codec, h264 } = sender.video;
    this.#taker = {
      id: this.#id,
      allocation: this.#allocation,
      // Units fit only decoders of the same level and packets of the same size.
      format: [codec, h264?.levelIdc, h264?.nalMaxBytes].join(' '),
      target: {
        sender,
        due: () => this.events.emit('due'),
        sent: (sent) => this.events.emit('sent', sent),
        failed: (error) => this.events.emit('error', error),
      },
    };
    this.#encodes.add(this.#taker);
  }

  detach(): void {
    this.#taker = undefined;
    this.#encodes.remove(this.#id);
  }

  close(): void {
    this.detach();
    this.events.clear();
  }
}
