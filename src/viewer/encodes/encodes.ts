/**
 * The encodes of one stream, shared by viewers whose paths carry much the same: one with a path of their own has an
 * encode at exactly their rate. Follows the stream, and moves viewers between encodes when `groupEncodes` says so.
 */
import { every, type Clock, type Timer } from '../../clock.ts';
import type { Allocation } from '../../congestion/allocation.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import type { VideoCodec } from '../../media/encode/encoder.ts';
import type { Stream } from '../../stream/stream.ts';
import type { EncodingDeps } from '../deps.ts';
import { groupEncodes, isPoorlyServed, type EncodeGroup } from './encode-groups.ts';
import { PictureLoop, type Target } from './picture-loop.ts';

/** How often groups are reviewed while there are several viewers. */
const REVIEW_MS = 500;

/** A viewer who takes pictures. */
export interface Taker {
  readonly id: string;
  readonly target: Target;
  allocation: Allocation;
  readonly format: string;
}

interface Encode {
  group: EncodeGroup;
  loop: PictureLoop;
}

export class Encodes {
  readonly #parts: { clock: Clock; stream: Stream; encoding: EncodingDeps };
  readonly #takers = new Map<string, Taker>();
  #encodes: Encode[] = [];
  /** Prepared for the first viewer, or left by the last one, whose decoder may come back. */
  #idle: PictureLoop | undefined;
  readonly #closing = new Set<Promise<void>>();
  readonly #offs: readonly (() => void)[];
  readonly #review: Timer;
  #closed = false;

  constructor(parts: { clock: Clock; stream: Stream; encoding: EncodingDeps }) {
    const { events } = parts.stream;
    this.#parts = parts;
    this.#offs = [
      events.on('changed', () => this.#encodes.forEach(({ loop }) => loop.kick())),
      events.on('sought', () => this.#encodes.forEach(({ loop }) => loop.onSeek())),
    ];
    this.#review = every(parts.clock, REVIEW_MS, () => this.#onReview());
  }

  /** Resolutions that can be encoded, largest first. */
  get rungs(): EncodingDeps['rungs'] {
    return this.#parts.encoding.rungs;
  }

  /** How many there are. */
  get size(): number {
    return this.#encodes.length;
  }

  /** Opens the encoder that the first viewer will probably need, while their connection is being made. */
  prepare(codec: VideoCodec, allocation: Allocation): void {
    if (this.#closed || this.#takers.size > 0 || this.#idle) return;
    this.#idle = this.#newLoop();
    this.#idle.allocation = allocation;
    this.#idle.prepare(codec);
  }

  /** Starts sending to a viewer; the first picture leaves at once, as a keyframe. */
  add(taker: Taker): void {
    if (this.#closed) return;
    this.#takers.set(taker.id, taker);
    this.#regroup();
  }

  remove(id: string): void {
    if (this.#takers.delete(id)) this.#regroup();
  }

  /** A viewer's allocation has changed. */
  onAllocation(id: string): void {
    const encode = this.#encodeOf(id);
    const taker = this.#takers.get(id);
    if (!encode || !taker) return;
    if (encode.group.viewers.length > 1 && isPoorlyServed(wishOf(taker), encode.group)) this.#regroup();
    else this.#allocate(encode);
  }

  /** Motion between two frames of the stream as this viewer gets it, pixels; undefined: unknown. */
  motionPxOf(id: string): number | undefined {
    return this.#encodeOf(id)?.loop.motionPx;
  }

  /** Idempotent, never throws. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#review.close();
    for (const off of this.#offs) off();
    for (const { loop } of this.#encodes.splice(0)) this.#end(loop);
    if (this.#idle) this.#end(this.#idle);
    this.#idle = undefined;
    await Promise.all(this.#closing);
  }

  #onReview(): void {
    if (this.#takers.size > 1) this.#regroup();
  }

  #encodeOf(id: string): Encode | undefined {
    return this.#encodes.find(({ group }) => group.viewers.includes(id));
  }

  /** Each group keeps the encode that most of its members had. */
  #regroup(): void {
    const before = this.#encodes;
    const groups = groupEncodes(
      [...this.#takers.values()].map(wishOf),
      before.map(({ group }) => group),
    );
    const free = new Set(before);
    this.#encodes = groups.map((group) => {
      const heir = heirOf(group, [...free]);
      if (heir) free.delete(heir);
      return { group, loop: heir?.loop ?? this.#takeIdle() };
    });
    for (const { loop, group } of before) this.#leave(loop, group);
    for (const encode of this.#encodes) {
      this.#allocate(encode);
      for (const id of encode.group.viewers) this.#enter(encode.loop, id, before);
    }
    for (const { loop } of free) this.#putIdle(loop);
  }

  /** Takes those off an encode who are no longer in its group. */
  #leave(loop: PictureLoop, { viewers }: EncodeGroup): void {
    const stay = this.#encodes.find((encode) => encode.loop === loop)?.group.viewers ?? [];
    for (const id of viewers) if (!stay.includes(id)) loop.detach(id);
  }

  #enter(loop: PictureLoop, id: string, before: readonly Encode[]): void {
    const taker = this.#takers.get(id);
    const was = before.find(({ group }) => group.viewers.includes(id));
    if (taker && was?.loop !== loop) loop.attach(id, taker.target);
  }

  /** An encode is made for the least of its viewers. */
  #allocate({ group, loop }: Encode): void {
    const allocations = group.viewers.flatMap((id) => this.#takers.get(id)?.allocation ?? []);
    const [first, ...others] = allocations;
    if (first)
      loop.allocation = others.reduce((least, one) => (one.bitrateBps < least.bitrateBps ? one : least), first);
  }

  #newLoop(): PictureLoop {
    return new PictureLoop(this.#parts);
  }

  #takeIdle(): PictureLoop {
    const loop = this.#idle ?? this.#newLoop();
    this.#idle = undefined;
    return loop;
  }

  #putIdle(loop: PictureLoop): void {
    if (this.#takers.size > 0 || this.#idle || this.#closed) this.#end(loop);
    else this.#idle = loop;
  }

  #end(loop: PictureLoop): void {
    const closed = kept(loop.close().finally(() => this.#closing.delete(closed)));
    this.#closing.add(closed);
  }
}

const wishOf = ({ id, format, allocation }: Taker) => ({ viewer: id, format, bitrateBps: allocation.bitrateBps });

function heirOf({ format, viewers }: EncodeGroup, encodes: readonly Encode[]): Encode | undefined {
  const shared = ({ group }: Encode): number => group.viewers.filter((id) => viewers.includes(id)).length;
  const [best] = encodes
    .filter((encode) => encode.group.format === format && shared(encode) > 0)
    .toSorted((a, b) => shared(b) - shared(a));
  return best;
}
