/** Tells a viewer their queue position, what has been made and what is on screen: `queue`, `tier` and `playing`. */
import type { EventSink } from '../events.ts';
import type { GeneratorInfo, Rendition } from '../generation/generator.ts';
import { gradeOf, type Variant } from '../generation/grades.ts';
import type { Stream } from '../stream/stream.ts';
import type { ViewerEvents } from './contract.ts';
import type { SentPicture } from './encodes/picture-loop.ts';

/** Steps may come every second or every few milliseconds; four updates a second are enough to read a number. */
const PROGRESS_INTERVAL_US = 250_000;

export class ViewerNotifier {
  readonly #events: EventSink<ViewerEvents>;
  readonly #slice: GeneratorInfo['slice'];
  /** The picture sent last. */
  #playing: SentPicture | undefined;
  #position: number;
  /** Slice and queue position of the last progress told, and when. */
  #progress = '';
  #progressUs = -Infinity;

  constructor(events: EventSink<ViewerEvents>, { info, place }: Stream) {
    this.#events = events;
    this.#slice = info.slice;
    this.#position = place.position;
  }

  get playing(): SentPicture | undefined {
    return this.#playing;
  }

  /** Emits `queue` when the position has changed. */
  placed({ position, waitMs }: Stream['place']): void {
    if (position !== this.#position) this.#events.emit('queue', { position, waitMs });
    this.#position = position;
  }

  /** Every frame of a slice is in the timeline at this tier; the rendition is the last run of it. */
  made({ revision, slice, tier, variant, frames, computeMs, cached }: Rendition): void {
    const { widthPx, heightPx } = frames[0] ?? { widthPx: 0, heightPx: 0 };
    const durationMs = (this.#slice.frames * 1000) / this.#slice.fps;
    const startMs = slice * durationMs;
    const made = { revision, slice, tier, startMs, durationMs, computeMs, widthPx, heightPx, ...fastAlone(variant) };
    this.#events.emit('tier', cached ? { ...made, cached } : made);
  }

  /** Emits a slice's progress, a few times a second at most; a change of slice or queue position at once. */
  progressed(event: ViewerEvents['progress'][0], nowUs: number): void {
    const told = `${event.slice}/${event.queuePosition ?? 0}`;
    if (told === this.#progress && nowUs - this.#progressUs < PROGRESS_INTERVAL_US) return;
    this.#progress = told;
    this.#progressUs = nowUs;
    this.#events.emit('progress', event);
  }

  /** Emits `playing` when a sent picture is the first of its slice at this tier and variant. */
  sent(sent: SentPicture): void {
    const { picture, rtpTimestamp, widthPx, heightPx } = sent;
    const { revision, slice, tier, variant } = picture;
    const before = this.#playing?.picture;
    this.#playing = sent;
    if (before?.revision === revision && before.slice === slice && gradeOf(before) === gradeOf(picture)) return;
    const { frames, fps } = this.#slice;
    const offsetMs = ((picture.frameIndex % frames) * 1000) / fps;
    const playing = { revision, slice, tier, rtpTimestamp, offsetMs, widthPx, heightPx };
    this.#events.emit('playing', { ...playing, ...fastAlone(variant) });
  }
}

/** `full` is the default and left out. */
const fastAlone = (variant: Variant | undefined) => (variant === 'fast' ? { variant } : {});
