/**
 * The camera that a stream follows: none, or one. The first to publish has the place until they leave; generators see
 * one source that lasts as long as the stream and is empty in between.
 */
import { GlimpseError } from '../errors.ts';
import { Emitter } from '../events.ts';
import { LIVE_STRENGTH, type LivePicture, type LiveSource } from '../picture/live-source.ts';
import type { Rung } from '../picture/rung.ts';

export interface LiveInputEvents {
  /** A camera has begun or ended: pictures made so far do not follow it, or follow it no longer. */
  changed: [active: boolean];
}

export class LiveInput implements LiveSource {
  readonly events = new Emitter<LiveInputEvents>();
  /** How far the pictures are raised to noise, 0 to 1; steered with `strength`. */
  strength = LIVE_STRENGTH;
  #owner: object | undefined;
  #source: LiveSource | undefined;

  /** Pictures come. */
  get active(): boolean {
    return this.#source !== undefined;
  }

  /** Takes the place for `owner`. @throws GlimpseError PUBLISHER_EXISTS while another has it */
  reserve(owner: object): void {
    if (this.#owner !== undefined && this.#owner !== owner) throw new GlimpseError('PUBLISHER_EXISTS');
    this.#owner = owner;
  }

  /** Follows `source`; a second one of the same owner replaces the first. @throws GlimpseError PUBLISHER_EXISTS */
  start(owner: object, source: LiveSource): void {
    this.reserve(owner);
    this.#source = source;
    this.events.emit('changed', true);
  }

  /** Gives the place back. Without effect for one who does not have it. */
  release(owner: object): void {
    if (this.#owner !== owner) return;
    this.#owner = undefined;
    if (this.#source === undefined) return;
    this.#source = undefined;
    this.events.emit('changed', false);
  }

  async newest(size: Rung): Promise<LivePicture | undefined> {
    return this.#source?.newest(size);
  }

  async next(size: Rung, after: number, signal: AbortSignal): Promise<LivePicture | undefined> {
    return this.#source?.next(size, after, signal);
  }
}
