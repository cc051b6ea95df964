/** A session's part in a room: what it may do there, and what it is told of the others. A session may have none. */
import type { EventSink } from '../events.ts';
import type { RoomSeat, RoomView } from '../rooms/room.ts';
import type { RoomAction } from '../rooms/rights.ts';
import type { Accepted, SessionEvents } from './contract.ts';

export class Membership {
  readonly #events: EventSink<SessionEvents>;
  readonly #onEnded: (reason: string) => void;
  #seat: RoomSeat | undefined;
  #offs: readonly (() => void)[] = [];

  /** @param onEnded the host has ended the room */
  constructor(events: EventSink<SessionEvents>, onEnded: (reason: string) => void) {
    this.#events = events;
    this.#onEnded = onEnded;
  }

  get view(): RoomView | undefined {
    return this.#seat?.view;
  }

  get seat(): RoomSeat | undefined {
    return this.#seat;
  }

  enter(seat: RoomSeat): void {
    const { events } = seat.room;
    this.#seat = seat;
    this.#offs = [
      events.on('members', () => this.#tell()),
      events.on('steered', (by, accepted) => this.#events.emit('steered', eventOf(by, accepted))),
      events.on('ended', (reason) => this.#onEnded(reason)),
    ];
    this.#tell();
  }

  /** Without a room everything is allowed. @throws GlimpseError FORBIDDEN */
  require(action: RoomAction): void {
    this.#seat?.require(action);
  }

  /** All members are told of what this one has changed. */
  async steered(outcome: Promise<Accepted>): Promise<Accepted> {
    const accepted = await outcome;
    this.#seat?.steered(accepted);
    return accepted;
  }

  leave(): void {
    for (const off of this.#offs) off();
    this.#seat?.leave();
  }

  #tell(): void {
    if (this.#seat) this.#events.emit('room', this.#seat.view);
  }
}

const eventOf = (
  by: SessionEvents['steered'][0]['by'],
  { revision, seed, prompt, reading, prompts }: Accepted,
): SessionEvents['steered'][0] => ({
  by,
  revision,
  seed,
  prompt,
  ...(reading && { reading }),
  ...(prompts && { prompts }),
});
