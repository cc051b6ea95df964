/**
 * The encoders of one stream's sound: one for each rate that a viewer uses, shared by all who use it. A viewer that
 * changes its rate gets the packets of another encoder from the next frame on; an encoder opened for it is warmed up
 * with the last frames, so that what its decoder has learned still fits. Without viewers there is no encoder.
 */
import { GlimpseError, toGlimpseError } from '../../errors.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import type { OpusPacket, OpusRateBps } from './opus.ts';

/** What `LibavOpusEncoder` is; tests give their own. */
export interface FrameEncoder {
  encode(samples: Float32Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface SharedOpusOptions {
  open(rateBps: OpusRateBps): Promise<FrameEncoder>;
  /** An encoder failed; it opens again with the next frame. */
  onError(error: GlimpseError): void;
}

export interface Listener {
  /** Rate that the listener wants; it may change at any time. */
  rateBps: OpusRateBps;
  onPacket(packet: OpusPacket): void;
}

/** Frames that wait for one encoder; more are dropped, since late sound is of no use. */
const WAITING_MAX = 5;
/** Frames that a new encoder hears first. */
const WARM_FRAMES = 4;
/** Failures in a row after which no encoder is opened until the listeners change: the machine has none. */
const FAILURES_MAX = 3;

interface Slot {
  encoder: Promise<FrameEncoder>;
  waiting: number;
}

export class SharedOpus {
  readonly #options: SharedOpusOptions;
  readonly #listeners = new Set<Listener>();
  readonly #slots = new Map<OpusRateBps, Slot>();
  readonly #closing = new Set<Promise<void>>();
  #recent: Float32Array[] = [];
  #failures = 0;
  #dropped = 0;

  constructor(options: SharedOpusOptions) {
    this.#options = options;
  }

  /** Encoders open now. */
  get size(): number {
    return this.#slots.size;
  }

  /** Frames that no encoder had time for. */
  get dropped(): number {
    return this.#dropped;
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** @returns ends it; no packet follows */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#failures = 0;
    return () => {
      this.#listeners.delete(listener);
      this.#closeUnused();
    };
  }

  /** Encodes one frame for every rate in use. The samples must not be changed afterwards. */
  push(samples: Float32Array, startUs: number): void {
    this.#closeUnused();
    if (this.#failures < FAILURES_MAX)
      for (const rateBps of this.#rates) void kept(this.#encode(rateBps, samples, startUs));
    this.#recent = [...this.#recent, samples].slice(-WARM_FRAMES);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#closeUnused();
    await Promise.all(this.#closing);
  }

  get #rates(): Set<OpusRateBps> {
    return new Set([...this.#listeners].map(({ rateBps }) => rateBps));
  }

  async #encode(rateBps: OpusRateBps, samples: Float32Array, startUs: number): Promise<void> {
    const slot = this.#slots.get(rateBps) ?? this.#open(rateBps);
    if (slot.waiting >= WAITING_MAX) {
      this.#dropped += 1;
      return;
    }
    slot.waiting += 1;
    try {
      const data = await (await slot.encoder).encode(samples);
      this.#failures = 0;
      // The listener may have gone or changed its rate since: then another encoder's packets are for it.
      for (const listener of this.#listeners) if (listener.rateBps === rateBps) listener.onPacket({ data, startUs });
    } catch (error) {
      this.#onFailure(rateBps, slot, error);
    } finally {
      slot.waiting -= 1;
    }
  }

  #open(rateBps: OpusRateBps): Slot {
    const slot = { encoder: kept(this.#warm(rateBps, this.#recent)), waiting: 0 };
    this.#slots.set(rateBps, slot);
    return slot;
  }

  async #warm(rateBps: OpusRateBps, recent: readonly Float32Array[]): Promise<FrameEncoder> {
    const encoder = await this.#options.open(rateBps);
    for (const frame of recent) await encoder.encode(frame);
    return encoder;
  }

  #onFailure(rateBps: OpusRateBps, slot: Slot, cause: unknown): void {
    const error = toGlimpseError(cause, 'ENCODER_FAILED');
    // An encoder that closed without listeners ends what it had to do with ENCODER_CLOSED.
    if (this.#slots.get(rateBps) !== slot) return;
    this.#failures += 1;
    this.#drop(rateBps, slot);
    this.#options.onError(error);
  }

  #closeUnused(): void {
    const rates = this.#rates;
    for (const [rateBps, slot] of this.#slots) if (!rates.has(rateBps)) this.#drop(rateBps, slot);
  }

  #drop(rateBps: OpusRateBps, { encoder }: Slot): void {
    this.#slots.delete(rateBps);
    const closing = kept(
      encoder.then(
        (opened) => opened.close(),
        () => {},
      ),
    );
    this.#closing.add(closing);
    void kept(closing.finally(() => this.#closing.delete(closing)));
  }
}
