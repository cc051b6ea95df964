/** One line with the current status: connecting, live, reconnecting, or the error. */
import { byId } from './element.ts';

export type StatusKind = 'connecting' | 'live' | 'reconnecting' | 'closed';

/** A notice is replaced by the state after this long, ms. */
const NOTICE_MS = 5_000;

const STATE_WORDS: Readonly<Record<StatusKind, string>> = {
  connecting: 'Connecting…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
  closed: 'Ended',
};

export class StatusLine {
  readonly #line = byId('status', HTMLElement);
  readonly #text = byId('status-text', HTMLElement);
  readonly #again = byId('again', HTMLButtonElement);
  /** Shown in the empty picture area, where a waiting viewer looks. */
  readonly #waiting = byId('waiting', HTMLElement);
  #standing = STATE_WORDS.connecting;
  /** Details of a live stream. */
  #qualified = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #withdraw = () => {};

  onAgain(listener: () => void): void {
    this.#again.addEventListener('click', listener);
  }

  /** @param words instead of the state's own */
  show(kind: StatusKind, words = STATE_WORDS[kind]): void {
    clearTimeout(this.#timer);
    this.#standing = words;
    this.#line.dataset['state'] = kind;
    this.#text.textContent = this.#standingWords;
    this.#again.hidden = kind !== 'closed';
    this.#wait('');
  }

  /** @param words shown beside `Live`; empty for none */
  qualify(words: string): void {
    const before = this.#standingWords;
    this.#qualified = words;
    // A notice keeps its time.
    if (this.#text.textContent === before) this.#text.textContent = this.#standingWords;
  }

  get #standingWords(): string {
    return this.#qualified !== '' && this.#standing === STATE_WORDS.live
      ? `${this.#standing}, ${this.#qualified}`
      : this.#standing;
  }

  /** Shows a temporary notice; the state returns by itself. @returns withdraws the notice sooner */
  notice(words: string, lasts: 'a while' | 'until withdrawn' = 'a while'): () => void {
    clearTimeout(this.#timer);
    this.#text.textContent = words;
    if (lasts === 'until withdrawn') this.#wait(words);
    const withdraw = () => {
      if (this.#text.textContent === words) this.#text.textContent = this.#standingWords;
      if (this.#waiting.textContent === words) this.#wait('');
    };
    if (lasts === 'a while') {
      this.#timer = setTimeout(withdraw, NOTICE_MS);
      this.#withdraw = withdraw;
    }
    return withdraw;
  }

  #wait(words: string): void {
    this.#waiting.textContent = words;
    this.#waiting.hidden = words === '';
    this.#line.toggleAttribute('data-waiting', words !== '');
  }

  /** Withdraws the notice: the viewer has acted since. */
  settle(): void {
    this.#withdraw();
  }
}
