/** Mode, seed and guidance: the viewer's settings, and the values that the server used. */
import type { Mode } from '../src/client/index.ts';
import { SEED_MAX, parseSeed } from './deep-link.ts';
import { byId } from './element.ts';

export interface ParametersListener {
  onMode: (mode: Mode) => void;
  onSeed: (seed: number) => void;
  /** The typed text is not a seed; the field shows the previous one again. */
  onSeedRefused: (words: string) => void;
  onGuidance: (guidance: number) => void;
}

export class Parameters {
  readonly #seed = byId('seed', HTMLInputElement);
  readonly #guidance = byId('guidance', HTMLInputElement);
  readonly #guidanceValue = byId('guidance-value', HTMLOutputElement);
  readonly #modes = [...document.querySelectorAll<HTMLInputElement>('input[name=mode]')];
  #guidanceTouched = false;
  #lastSeed = '';

  constructor(listener: ParametersListener) {
    for (const mode of this.#modes) mode.addEventListener('change', () => listener.onMode(this.mode));
    this.#seed.addEventListener('change', () => this.#takeSeed(listener));
    byId('dice', HTMLButtonElement).addEventListener('click', () => {
      const [seed = 0] = crypto.getRandomValues(new Uint16Array(1));
      this.showSeed(seed);
      listener.onSeed(seed);
    });
    this.#guidance.addEventListener('input', () => {
      this.#guidanceTouched = true;
      this.#guidanceValue.textContent = this.#guidance.value;
    });
    this.#guidance.addEventListener('change', () => listener.onGuidance(this.#guidance.valueAsNumber));
  }

  get mode(): Mode {
    return this.#modes.find(({ checked }) => checked)?.value === 'clip' ? 'clip' : 'live';
  }

  get seed(): number | undefined {
    return parseSeed(this.#seed.value);
  }

  /** Undefined until the viewer moves the slider: then the generator's default applies. */
  get guidance(): number | undefined {
    return this.#guidanceTouched ? this.#guidance.valueAsNumber : undefined;
  }

  showMode(mode: Mode): void {
    for (const radio of this.#modes) radio.checked = radio.value === mode;
  }

  showSeed(seed: number | undefined): void {
    this.#lastSeed = seed === undefined ? '' : String(seed);
    if (document.activeElement !== this.#seed) this.#seed.value = this.#lastSeed;
  }

  #takeSeed({ onSeed, onSeedRefused }: ParametersListener): void {
    const { seed } = this;
    // A number field reports invalid text as an empty value, as if nothing had been typed.
    const isEmpty = this.#seed.value === '' && !this.#seed.validity.badInput;
    if (seed !== undefined) {
      this.#lastSeed = this.#seed.value;
      onSeed(seed);
    } else if (!isEmpty) {
      this.#seed.value = this.#lastSeed;
      onSeedRefused(`A seed is a whole number from 0 to ${SEED_MAX}.`);
    }
  }
}
