/** The prompt field, and example prompts to click. Enter sends the prompt. */
import type { Welcome } from '../src/client/index.ts';
import { byId, make } from './element.ts';

export class PromptBox {
  readonly #input = byId('prompt', HTMLInputElement);
  readonly #examples = byId('examples', HTMLUListElement);
  readonly #placeholder = this.#input.placeholder;
  #maxChars = Infinity;
  readonly #onPrompt: (prompt: string) => void;

  constructor(onPrompt: (prompt: string) => void) {
    this.#onPrompt = onPrompt;
    this.#input.addEventListener('input', () => this.#check());
    byId('prompt-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      onPrompt(this.#input.value.trim());
    });
  }

  /** Shows the running prompt, unless the viewer is typing. */
  show(prompt: string): void {
    if (document.activeElement !== this.#input || this.#input.value === '') this.#input.value = prompt;
    this.#check();
    for (const button of this.#examples.querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(button.textContent === prompt));
    }
  }

  /** Whether this viewer may change the prompt. */
  enable(may: boolean): void {
    this.#input.disabled = !may;
    this.#input.placeholder = may ? this.#placeholder : 'You are watching: others steer this stream';
    for (const button of this.#examples.querySelectorAll('button')) button.disabled = !may;
  }

  /** A text that is too long stays as typed, with a notice: truncation would change its meaning. */
  #check(): void {
    const { length } = this.#input.value.trim();
    const tooLong = `The prompt has ${length} characters; at most ${this.#maxChars} are allowed.`;
    this.#input.setCustomValidity(length > this.#maxChars ? tooLong : '');
  }

  offer({ generator, limits }: Welcome): void {
    this.#maxChars = limits.promptMaxChars;
    this.#check();
    if (this.#examples.childElementCount > 0) return;
    for (const example of generator.examples) {
      const button = make('button', example, { type: 'button', 'aria-pressed': 'false' });
      button.addEventListener('click', () => {
        this.#input.value = example;
        this.#check();
        this.#onPrompt(example);
      });
      const item = make('li');
      item.append(button);
      this.#examples.append(item);
    }
  }
}
