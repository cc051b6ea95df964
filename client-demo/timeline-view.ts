/** Feeds the strip from the stream, draws it while the page is visible, and seeks a clip on it. */
import type { Accepted, Live, PresentedFrame, SteeredEvent, TierEvent } from '../src/client/index.ts';
import { byId } from './element.ts';
import { Strip } from './strip.ts';
import { StripModel } from './strip-model.ts';
import { tierRank } from './tiers.ts';

/** Interval of the strip's text description for screen readers, ms. */
const WORDS_INTERVAL_MS = 1_000;
/** Seek distance of one arrow key press, ms. */
const SEEK_STEP_MS = 500;

export class TimelineView {
  readonly #canvas = byId('strip', HTMLCanvasElement);
  readonly #text = byId('strip-text', HTMLElement);
  readonly #model = new StripModel();
  readonly #strip = new Strip(this.#canvas, this.#model);
  readonly #onSeek: (timeMs: number) => void;
  /** Slice and tier of the last still. */
  #still = '';

  constructor(onSeek: (timeMs: number) => void) {
    this.#onSeek = onSeek;
    this.#canvas.addEventListener('pointerdown', (event) => this.#seek(this.#strip.timeAt(event.clientX)));
    this.#canvas.addEventListener('keydown', (event) => this.#step(event));
    const draw = (nowMs: number) => {
      this.#strip.draw(nowMs);
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
    setInterval(() => this.#speak(), WORDS_INTERVAL_MS);
  }

  set paused(paused: boolean) {
    this.#model.paused = paused;
  }

  /** A new session. @param clipMs length of the clip; null for live */
  reset(live: Live, clipMs: number | null): void {
    const slice = live.welcome?.generator.slice ?? { frames: 8, fps: 12 };
    this.#model.reset(clipMs);
    this.#strip.reset((slice.frames / slice.fps) * 1000);
    this.#still = '';
    this.#canvas.setAttribute('role', clipMs === null ? 'img' : 'slider');
    if (clipMs === null) {
      this.#canvas.removeAttribute('tabindex');
      for (const name of ['aria-valuemin', 'aria-valuemax', 'aria-valuenow', 'aria-valuetext']) {
        this.#canvas.removeAttribute(name);
      }
    } else {
      this.#canvas.tabIndex = 0;
      this.#canvas.setAttribute('aria-valuemin', '0');
      this.#canvas.setAttribute('aria-valuemax', (clipMs / 1000).toFixed(1));
    }
    this.#speak();
  }

  accept(accepted: Accepted): void {
    this.#model.accept(accepted);
  }

  /** A member of the room has sent a prompt. */
  steered(event: SteeredEvent): void {
    this.#model.sentBy(event);
  }

  /** As the server reports it; undefined where it has not. */
  promptOf(playing: NonNullable<PresentedFrame['playing']>): string | undefined {
    return this.#model.promptOf(playing);
  }

  addTier(event: TierEvent): void {
    this.#model.addTier(event, performance.now());
    const { tier, variant = 'full' } = event;
    const seldom =
      variant === 'fast' ? '.legend [data-variant=fast]' : `.legend [data-tier=${tier}]:not([data-variant])`;
    for (const item of document.querySelectorAll<HTMLElement>(seldom)) item.hidden = false;
  }

  present({ playing, rtpTimestamp }: PresentedFrame, video: HTMLVideoElement): void {
    if (!playing) return;
    this.#model.present(playing, rtpTimestamp ?? playing.rtpTimestamp, performance.now());
    const still = `${playing.revision}:${playing.slice}:${playing.tier}:${playing.variant}`;
    if (still === this.#still) return;
    this.#still = still;
    this.#strip.keepStill(video, playing);
  }

  #seek(timeMs: number): void {
    const { clipMs } = this.#model;
    if (clipMs === null) return;
    const wrapped = ((timeMs % clipMs) + clipMs) % clipMs;
    this.#model.jump(wrapped, performance.now());
    this.#onSeek(wrapped);
  }

  #step(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
    const step = steps[event.key];
    if (step === undefined || this.#model.clipMs === null) return;
    event.preventDefault();
    this.#seek(this.#model.playheadMs(performance.now()) + step * SEEK_STEP_MS);
  }

  #speak(): void {
    const nowMs = performance.now();
    const cells = this.#model.ahead(nowMs);
    const kinds = new Map<string, number>();
    for (const { tier, variant } of cells.toSorted((a, b) => tierRank(b.tier) - tierRank(a.tier))) {
      const kind = variant === 'fast' ? `${tier} fast` : tier;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    const fromCache = cells.filter(({ cached }) => cached !== undefined).length;
    const made = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'nothing made yet';
    const words = fromCache === 0 ? made : `${made}; ${fromCache} from the cache`;
    const { clipMs } = this.#model;
    this.#text.textContent = kinds.size === 0 ? '' : `${clipMs === null ? 'from here on' : 'slices'}: ${words}`;
    const prompts = this.#model.promptRuns.map(({ prompt }) => prompt);
    const lists = prompts.length === 0 ? '' : `; prompts: ${prompts.join(', then ')}`;
    this.#canvas.setAttribute('aria-label', `Timeline: ${words}${lists}`);
    if (clipMs === null) return;
    const playheadSeconds = (this.#model.playheadMs(nowMs) / 1000).toFixed(1);
    this.#canvas.setAttribute('aria-valuenow', playheadSeconds);
    this.#canvas.setAttribute('aria-valuetext', `${playheadSeconds} of ${(clipMs / 1000).toFixed(1)} seconds`);
  }
}
