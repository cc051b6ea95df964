/** Asks for a token when the server requires one. The token stays in this page until it closes. */
import { byId } from './element.ts';

export class TokenBox {
  readonly #form = byId('token-form', HTMLFormElement);
  readonly #input = byId('token', HTMLInputElement);

  constructor(onToken: (token: string) => void) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const token = this.#input.value.trim();
      if (token === '') return;
      this.#form.hidden = true;
      this.#input.value = '';
      onToken(token);
    });
  }

  ask(): void {
    this.#form.hidden = false;
    this.#input.focus();
  }
}
