/** Tells a viewer their queue position, what has been made and what is on screen: `queue`, `tier` and `playing`. */
import type { Emitter } from '../events.ts';
import type { Ticket } from '../generation/engine/admission.ts';
import type { GeneratorInfo, Rendition } from '../generation/generator.ts';
import { gradeOf, type Variant } from '../generation/grades.ts';
import type { SessionEvents } from '../session/contract.ts';
import type { SentPicture } from './picture-loop.ts';
import { ProgressPace } from './progress-pace.ts';

export class ViewerNotifier {
  readonly #events: Emitter<SessionEvents>;
  readonly #slice: GeneratorInfo['slice'];
  readonly #pace = new ProgressPace();
  /** The picture sent last. */
  #playing: SentPicture | undefined;
  #position: number | undefined;

  constructor(events: Emitter<SessionEvents>, slice: GeneratorInfo['slice']) {
    this.#events = events;
    this.#slice = slice;
  }

  get playing(): SentPicture | undefined {
    return this.#playing;
  }

  /** Emits `queue` when the position has changed. */
  placed({ position, waitMs }: Ticket): void {
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

  /** Emits a slice's progress, a few times a second at most. */
  progressed(event: SessionEvents['progress'][0], nowUs: number): void {
    if (this.#pace.isDue(nowUs, event)) this.#events.emit('progress', event);
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
