/** Says plainly what the generator understood of the prompt, and which of its words it does not know. */
import type { Accepted } from '../src/client/index.ts';
import { make } from './element.ts';

type Reading = NonNullable<Accepted['reading']>;

export class ReadingView {
  readonly #fields: HTMLElement;
  readonly #unknown: HTMLElement;

  constructor(fields: HTMLElement, unknown: HTMLElement) {
    this.#fields = fields;
    this.#unknown = unknown;
  }

  show({ fields, unknownWords }: Reading): void {
    const chips = Object.entries(fields).map(([name, value]) => {
      const chip = make('li', '', { class: 'reading' });
      chip.append(make('span', `${name.replaceAll('_', ' ')} `), make('b', value));
      return chip;
    });
    const nothing = make('li', 'This generator does not say how it reads a prompt.', { class: 'quiet' });
    this.#fields.replaceChildren(...(chips.length > 0 ? chips : [nothing]));
    this.#unknown.hidden = unknownWords.length === 0;
    const struck = unknownWords.flatMap((word) => [make('s', word), ' ']);
    this.#unknown.replaceChildren('Not known, so it changes nothing: ', ...struck);
  }
}
