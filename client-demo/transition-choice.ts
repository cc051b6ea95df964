/** Whether a new prompt cuts to a new picture or continues from the one on screen, and over how many slices. */
import type { PromptChange } from '../src/client/index.ts';
import { byId } from './element.ts';

export class TransitionChoice {
  readonly #slices = byId('transition', HTMLInputElement);
  readonly #value = byId('transition-value', HTMLOutputElement);

  constructor() {
    this.#slices.addEventListener('input', () => this.#show());
    this.#show();
  }

  /** For a new prompt in the running stream. */
  get change(): PromptChange {
    const { transitionSlices } = this;
    return transitionSlices === undefined ? { transition: 'cut' } : { transition: 'continue', transitionSlices };
  }

  /** Undefined: cut. */
  get transitionSlices(): number | undefined {
    return this.#slices.valueAsNumber || undefined;
  }

  #show(): void {
    const slices = this.#slices.valueAsNumber;
    const words = slices === 0 ? 'cuts' : `bends over ${slices} ${slices === 1 ? 'slice' : 'slices'}`;
    this.#value.textContent = words;
    this.#slices.setAttribute('aria-valuetext', words);
  }
}
