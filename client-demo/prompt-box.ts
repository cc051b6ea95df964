/** Where the viewer types, and the examples that spare it. Enter steers. */
import type { Welcome } from '../src/client/index.ts';
import { byId, make } from './element.ts';

export class PromptBox {
  readonly #input = byId('prompt', HTMLInputElement);
  readonly #examples = byId('examples', HTMLUListElement);
  readonly #onPrompt: (prompt: string) => void;

  constructor(onPrompt: (prompt: string) => void) {
    this.#onPrompt = onPrompt;
    byId('prompt-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      onPrompt(this.#input.value.trim());
    });
  }

  /** What runs; never over what is being typed. */
  show(prompt: string): void {
    if (document.activeElement !== this.#input || this.#input.value === '') this.#input.value = prompt;
    for (const button of this.#examples.querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(button.textContent === prompt));
    }
  }

  offer({ generator, limits }: Welcome): void {
    this.#input.maxLength = limits.promptMaxChars;
    if (this.#examples.childElementCount > 0) return;
    for (const example of generator.examples) {
      const button = make('button', example, { type: 'button', 'aria-pressed': 'false' });
      button.addEventListener('click', () => {
        this.#input.value = example;
        this.#onPrompt(example);
      });
      const item = make('li');
      item.append(button);
      this.#examples.append(item);
    }
  }
}
