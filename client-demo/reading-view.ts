/** Shows how the generator understood the prompt, and which of its words it does not know. */
import type { Accepted } from '../src/client/index.ts';
import { make } from './element.ts';

type Reading = NonNullable<Accepted['reading']>;

export class ReadingView {
  /** By prompt of the running list. */
  #fieldsOf = new Map<string, Reading['fields']>();
  #shown: Reading['fields'] | undefined;
  readonly #fields: HTMLElement;
  readonly #unknown: HTMLElement;

  constructor(fields: HTMLElement, unknown: HTMLElement) {
    this.#fields = fields;
    this.#unknown = unknown;
  }

  /** Shows the result for a new prompt: the first of a list, until another of them is on screen. */
  accept({ prompts = [], reading }: Accepted): void {
    if (!reading) return;
    this.#fieldsOf = new Map(prompts.flatMap(({ prompt, fields }) => (fields ? [[prompt, fields]] : [])));
    this.#showFields(reading.fields);
    this.#unknown.hidden = reading.unknownWords.length === 0;
    const struck = reading.unknownWords.flatMap((word) => [make('s', word), ' ']);
    this.#unknown.replaceChildren('Not known, so it changes nothing: ', ...struck);
  }

  /** @param prompt the prompt on screen; undefined if unknown */
  present(prompt: string | undefined): void {
    const fields = this.#fieldsOf.get(prompt ?? '');
    if (fields && fields !== this.#shown) this.#showFields(fields);
  }

  #showFields(fields: Reading['fields']): void {
    this.#shown = fields;
    const chips = Object.entries(fields).map(([name, value]) => {
      const chip = make('li', '', { class: 'reading' });
      chip.append(make('span', `${name.replaceAll('_', ' ')} `), make('b', value));
      return chip;
    });
    const nothing = make('li', 'This generator does not say how it reads a prompt.', { class: 'quiet' });
    this.#fields.replaceChildren(...(chips.length > 0 ? chips : [nothing]));
  }
}
