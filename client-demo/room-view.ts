/** Sharing the stream: a button that makes a room of it, who is in the room, and the links that let others in. */
import { roomLink } from '../src/client/index.ts';
import type { Right, RoomEvent } from '../src/client/index.ts';
import { byId, make } from './element.ts';

/** What each link is for; in this order. */
const LINKS: readonly [right: Right, words: string][] = [
  ['watch', 'Watch'],
  ['steer', 'Watch and steer'],
  ['publish', 'Watch and send a camera'],
];

const RIGHT_WORDS: Readonly<Record<Right, string>> = {
  host: 'host',
  steer: 'steers',
  publish: 'may send a camera',
  watch: 'watches',
};

export class RoomView {
  readonly #share = byId('share', HTMLButtonElement);
  readonly #card = byId('room', HTMLElement);
  readonly #members = byId('members', HTMLUListElement);
  readonly #links = byId('room-links', HTMLUListElement);
  readonly #words = byId('room-words', HTMLElement);

  constructor(onShare: () => void) {
    this.#share.addEventListener('click', onShare);
  }

  /** There is a stream that can be shared, or none. */
  offer(isLive: boolean): void {
    this.#share.hidden = !isLive || !this.#card.hidden;
  }

  clear(): void {
    this.#card.hidden = true;
    this.#words.textContent = '';
  }

  show(room: RoomEvent): void {
    this.#share.hidden = true;
    this.#card.hidden = false;
    this.#members.replaceChildren(...room.members.map((member) => memberItem(member, room.you)));
    const links = LINKS.flatMap(([right, words]) => {
      const link = roomLink(room, right, location.href);
      return link ? [this.#linkItem(words, link.href)] : [];
    });
    this.#links.replaceChildren(...links);
  }

  #linkItem(words: string, href: string): HTMLElement {
    const item = make('li');
    const copy = make('button', `Copy link: ${words.toLowerCase()}`, { type: 'button' });
    copy.addEventListener('click', () => void this.#copy(href));
    item.append(copy);
    return item;
  }

  async #copy(href: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(href);
      this.#words.textContent = 'Copied. Everyone who has the link can join.';
    } catch {
      // A page without permission for the clipboard shows the link instead.
      this.#words.textContent = href;
    }
  }
}

function memberItem({ id, name, right, publishes }: RoomEvent['members'][number], you: string): HTMLElement {
  const item = make('li', '', { 'data-right': right });
  item.append(make('span', initials(name), { class: 'avatar', 'aria-hidden': 'true' }));
  item.append(make('span', id === you ? `${name} (you)` : name, { class: 'name' }));
  item.append(make('span', publishes ? 'sends a camera' : RIGHT_WORDS[right], { class: 'quiet' }));
  return item;
}

/** Two letters at most, for the round badge. */
function initials(name: string): string {
  const words = name.split(' ').filter((word) => word !== '');
  return words
    .slice(0, 2)
    .map((word) => Array.from(word)[0] ?? '')
    .join('')
    .toUpperCase();
}
