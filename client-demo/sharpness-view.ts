/** Explains when the server has no time for the full refiner, and what it uses instead. */
import type { PresentedFrame, Welcome } from '../src/client/index.ts';
import { byId } from './element.ts';
import { SharpnessNote, type Sharpness } from './sharpness.ts';
import type { StatusLine } from './status-line.ts';

export class SharpnessView {
  readonly #note = new SharpnessNote();
  readonly #words = byId('sharpness', HTMLElement);
  readonly #status: StatusLine;
  #tiers: Welcome['generator']['tiers'] = [];
  #shown: Sharpness = 'full';

  constructor(status: StatusLine) {
    this.#status = status;
  }

  /** A new stream. */
  reset(welcome: Welcome | undefined): void {
    this.#tiers = welcome?.generator.tiers ?? [];
    this.#note.reset();
    this.#show();
  }

  present({ playing }: PresentedFrame): void {
    if (!playing) return;
    this.#note.present(playing);
    this.#show();
  }

  #show(): void {
    const { now } = this.#note;
    if (now === this.#shown) return;
    this.#shown = now;
    const words = this.#wordsFor(now);
    this.#words.textContent = words;
    this.#words.hidden = words === '';
    this.#status.qualify({ full: '', fast: 'fast refiner', unrefined: 'no time to refine' }[now]);
  }

  #wordsFor(sharpness: Sharpness): string {
    const size = (tier: string, fast = false): string => {
      const info = this.#tiers.find((candidate) => candidate.tier === tier);
      const { widthPx = 0, heightPx = 0 } = (fast ? info?.fast : info) ?? {};
      return `${widthPx}×${heightPx}`;
    };
    if (sharpness === 'full') return '';
    return sharpness === 'fast'
      ? `Fast refiner: the server is busy, so a smaller model sharpens the picture for now, at ${size('refined', true)} instead of ${size('refined')}.`
      : `Not sharpened: the server is so busy that there is no time to refine the ${size('base')} picture. It sharpens when there is.`;
  }
}
