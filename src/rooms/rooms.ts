/** All rooms of a service, by name. A room ends when the last member has left. */
import { GlimpseError } from '../errors.ts';
import { Room, type RoomStart } from './room.ts';

export interface RoomLimits {
  /** Members of one room at once. */
  members: number;
  /** Rooms that one user has opened and that still exist. */
  perUser: number;
}

/** @typeParam Stage what the members of a room watch */
export interface OpenRoom<Stage> {
  room: Room;
  stage: Stage;
  owner: string;
}

export class Rooms<Stage> {
  readonly #limits: RoomLimits;
  readonly #rooms = new Map<string, OpenRoom<Stage>>();

  constructor(limits: RoomLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#rooms.size;
  }

  find(name: string): OpenRoom<Stage> | undefined {
    return this.#rooms.get(name);
  }

  /** @param owner the user who opens it @throws GlimpseError ROOM_EXISTS, USER_LIMIT */
  open(start: Omit<RoomStart, 'most'>, stage: Stage, owner: string): Room {
    const { members, perUser } = this.#limits;
    if (start.name !== undefined && this.#rooms.has(start.name)) throw new GlimpseError('ROOM_EXISTS');
    if ([...this.#rooms.values()].filter((open) => open.owner === owner).length >= perUser)
      throw new GlimpseError('USER_LIMIT', { details: { rooms: perUser }, retryAfterMs: 5_000 });
    const room = new Room({ ...start, most: members });
    this.#rooms.set(room.name, { room, stage, owner });
    room.events.on('members', () => {
      if (room.size > 0) return;
      this.#rooms.delete(room.name);
      room.events.clear();
    });
    return room;
  }
}
