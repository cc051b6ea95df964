/**
 * Holds viewers' uploads until they are used or expire. Ids are random; count and bytes are bounded, per user and in
 * total. Only the user who uploaded a file can name it.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { GlimpseError } from '../errors.ts';
import type { InputMedia } from '../picture/input-media.ts';
import { LIMITS } from '../limits.ts';

interface Held {
  owner: string;
  media: InputMedia;
  expiresUs: number;
}

export interface InputsOptions {
  clock: Clock;
  /** What the generator takes. */
  kind: InputMedia['kind'];
  /** Checks and decodes an upload. */
  read: (upload: Uint8Array, signal: AbortSignal) => Promise<InputMedia>;
}

export interface StoredInput {
  id: string;
  kind: InputMedia['kind'];
  bytes: number;
  /** Time until expiry, ms. */
  expiresInMs: number;
}

export class Inputs {
  readonly #options: InputsOptions;
  /** Oldest first. */
  readonly #held = new Map<string, Held>();
  readonly #waiting: (() => void)[] = [];
  /** Uploads being received now, by user. */
  readonly #reading = new Map<string, number>();
  #decoding = 0;
  #bytes = 0;

  constructor(options: InputsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  get kind(): InputMedia['kind'] {
    return this.#options.kind;
  }

  /**
   * Reserves the right to receive one upload, which is in memory from its first byte. Dispose of it after the upload.
   * @throws GlimpseError INPUT_LIMIT, RATE_LIMITED
   */
  beginReading(owner: string): Disposable {
    this.requireRoom(owner);
    const own = this.#reading.get(owner) ?? 0;
    const all = [...this.#reading.values()].reduce((sum, count) => sum + count, 0);
    if (own >= LIMITS.inputsReadingPerUserMax || all >= LIMITS.inputsReadingMax)
      throw new GlimpseError('RATE_LIMITED', { retryAfterMs: 2_000 });
    this.#reading.set(owner, own + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#reading.get(owner) ?? 1) - 1;
        if (left > 0) this.#reading.set(owner, left);
        else this.#reading.delete(owner);
      },
    };
  }

  /**
   * Checks before the body is read, so that a refusal costs no transfer.
   * @throws GlimpseError INPUT_LIMIT, RATE_LIMITED
   */
  requireRoom(owner: string): void {
    this.#expire();
    const own = [...this.#held.values()].filter((held) => held.owner === owner).length;
    const full = this.#held.size >= LIMITS.inputsMax || this.#bytes >= LIMITS.inputsMaxBytes;
    if (own >= LIMITS.inputsPerUserMax || full) throw new GlimpseError('INPUT_LIMIT', { retryAfterMs: 60_000 });
    if (this.#waiting.length >= LIMITS.inputsPendingMax)
      throw new GlimpseError('RATE_LIMITED', { retryAfterMs: 2_000 });
  }

  /** @throws GlimpseError INPUT_INVALID, INPUT_TOO_LARGE, INPUT_LIMIT, RATE_LIMITED, ABORTED */
  async add(owner: string, upload: Uint8Array, signal: AbortSignal): Promise<StoredInput> {
    this.requireRoom(owner);
    const media = await this.#inTurn(() => this.#options.read(upload, signal));
    this.requireRoom(owner);
    const id = randomBytes(16).toString('base64url');
    this.#held.set(id, { owner, media, expiresUs: this.#options.clock.nowUs() + LIMITS.inputTtlMs * 1000 });
    this.#bytes += media.data.length;
    return { id, kind: media.kind, bytes: media.data.length, expiresInMs: LIMITS.inputTtlMs };
  }

  /** Extends the expiry; a session may hold it longer. @throws GlimpseError INPUT_NOT_FOUND, also for another user's */
  get(id: string, owner: string): InputMedia {
    this.#expire();
    const held = this.#held.get(id);
    if (held?.owner !== owner) throw new GlimpseError('INPUT_NOT_FOUND');
    held.expiresUs = this.#options.clock.nowUs() + LIMITS.inputTtlMs * 1000;
    return held.media;
  }

  /** @throws GlimpseError INPUT_NOT_FOUND, also for another user's */
  remove(id: string, owner: string): void {
    this.get(id, owner);
    this.#forget(id);
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#decoding >= LIMITS.inputsDecodingMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#decoding += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#decoding -= 1;
    }
  }

  #expire(): void {
    const nowUs = this.#options.clock.nowUs();
    for (const [id, { expiresUs }] of this.#held) if (expiresUs <= nowUs) this.#forget(id);
  }

  #forget(id: string): void {
    this.#bytes -= this.#held.get(id)?.media.data.length ?? 0;
    this.#held.delete(id);
  }
}
