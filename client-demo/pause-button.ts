/** Pause and play, by button or by the space bar anywhere outside a control. */
import { byId } from './element.ts';

const INTERACTIVE = 'input, button, select, textarea, a, summary';

export class PauseButton {
  readonly #button = byId('pause', HTMLButtonElement);
  #paused = false;

  constructor(onToggle: (paused: boolean) => void) {
    this.#button.addEventListener('click', () => onToggle(!this.#paused));
    document.addEventListener('keydown', (event) => {
      if (event.key !== ' ' || event.repeat || (event.target as Element).closest(INTERACTIVE)) return;
      event.preventDefault();
      onToggle(!this.#paused);
    });
  }

  show(paused: boolean): void {
    this.#paused = paused;
    this.#button.setAttribute('aria-pressed', String(paused));
    this.#button.setAttribute('aria-label', paused ? 'Play' : 'Pause');
  }
}
