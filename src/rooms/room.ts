/**
 * A stream that several people are in: who they are, what each may do, and who changed it last. It lives as long as
 * anyone is in it; a host who leaves can come back by the host's link.
 */
import { randomBytes } from 'node:crypto';
import { GlimpseError } from '../errors.ts';
import { Emitter } from '../events.ts';
import type { Accepted } from '../stream/contract.ts';
import { RoomKeys } from './keys.ts';
import { Members, type Member } from './members.ts';
import { may, type Right, type RoomAction } from './rights.ts';

/** What someone says who comes to a room. */
export interface RoomEntry {
  /** The secret of a link. */
  key?: string | undefined;
  /** A right that their token gives. */
  granted?: Right | undefined;
  /** The name to show to the others. */
  as?: string | undefined;
}

/** What an offer says of the room it joins, or creates where there is none and a prompt is given. */
export interface RoomOpening extends RoomEntry, Pick<RoomStart, 'everyone'> {
  /** Absent: a new room. */
  name?: string | undefined;
}

export interface RoomStart {
  /** Absent: one that cannot be guessed. */
  name?: string | undefined;
  /** The right of those who know only the name; undefined: they are refused. */
  everyone?: Exclude<Right, 'host'> | undefined;
  /** Members at once. */
  most: number;
}

export interface RoomEvents {
  /** Someone has joined, left or changed. */
  members: [];
  /** A member has changed what the stream shows. */
  steered: [by: Pick<Member, 'id' | 'name'>, accepted: Accepted];
  /** The host has ended the room; its members leave. */
  ended: [reason: string];
}

/** A room as one member sees it. */
export interface RoomView {
  name: string;
  you: string;
  right: Right;
  members: Member[];
  keys?: Partial<Record<Right, string>>;
}

export const ROOM_ENDED = 'room-ended';

export class Room {
  readonly name: string;
  readonly events = new Emitter<RoomEvents>();
  readonly #keys = new RoomKeys();
  readonly #members: Members;
  readonly #everyone: Right | undefined;

  constructor({ name, everyone, most }: RoomStart) {
    this.name = name ?? randomBytes(12).toString('base64url');
    this.#everyone = everyone;
    this.#members = new Members(most);
  }

  get size(): number {
    return this.#members.size;
  }

  /** The one who creates a room is its host. */
  open(as: string | undefined): RoomSeat {
    return this.#seat('host', as);
  }

  /** @throws GlimpseError FORBIDDEN, ROOM_FULL */
  join({ key, granted, as }: RoomEntry): RoomSeat {
    const right = granted ?? (key === undefined ? this.#everyone : this.#keys.rightOf(key));
    if (right === undefined)
      throw new GlimpseError('FORBIDDEN', { message: 'This room needs a link with a valid key.' });
    return this.#seat(right, as);
  }

  end(): void {
    this.events.emit('ended', ROOM_ENDED);
  }

  #seat(right: Right, as: string | undefined): RoomSeat {
    const { id } = this.#members.join(right, as);
    const seat = new RoomSeat({ id, right, room: this, members: this.#members, keys: this.#keys });
    this.events.emit('members');
    return seat;
  }
}

interface SeatParts {
  id: string;
  right: Right;
  room: Room;
  members: Members;
  keys: RoomKeys;
}

/** One member's place in a room. */
export class RoomSeat {
  readonly room: Room;
  readonly right: Right;
  readonly #parts: SeatParts;

  constructor(parts: SeatParts) {
    this.#parts = parts;
    this.room = parts.room;
    this.right = parts.right;
  }

  get view(): RoomView {
    const { id, right, room, members, keys } = this.#parts;
    const shown = may(right, 'invite') ? { keys: keys.below(right) } : {};
    return { name: room.name, you: id, right, members: members.list, ...shown };
  }

  /** @throws GlimpseError FORBIDDEN */
  require(action: RoomAction): void {
    if (!may(this.right, action))
      throw new GlimpseError('FORBIDDEN', { message: `Your link to this room does not allow this: ${action}.` });
  }

  /** What this member has asked for is accepted: all are told who it was. */
  steered(accepted: Accepted): void {
    const { id, members, room } = this.#parts;
    const member = members.get(id);
    if (member) room.events.emit('steered', { id, name: member.name }, accepted);
  }

  /** This member begins or ends to send media into the stream. @throws GlimpseError FORBIDDEN, PUBLISHER_EXISTS */
  publish(publishes: boolean): void {
    if (publishes) this.require('publish');
    const { id, members, room } = this.#parts;
    members.publish(id, publishes);
    room.events.emit('members');
  }

  /** Idempotent. */
  leave(): void {
    const { id, members, room } = this.#parts;
    if (members.leave(id)) room.events.emit('members');
  }
}
