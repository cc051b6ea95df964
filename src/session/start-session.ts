/** Starts sessions: with a stream of their own, or on the stream of a room. */
import { randomUUID } from 'node:crypto';
import type { Tier } from '../picture/tiers.ts';
import { GlimpseError } from '../errors.ts';
import type { Rooms } from '../rooms/rooms.ts';
import { Audience } from '../stream/audience.ts';
import { Stream, type StreamDeps } from '../stream/stream.ts';
import { nearestMade } from '../viewer/decide.ts';
import type { ViewerDeps } from '../viewer/deps.ts';
import { Encodes } from '../viewer/encodes/encodes.ts';
import { may } from '../rooms/rights.ts';
import type { Stage } from '../viewer/stage.ts';
import type { SessionOpening, User } from './contract.ts';
import { ViewerSession } from './session.ts';

/** What all sessions of a service share. */
export interface SessionDeps {
  stream: StreamDeps;
  viewer: ViewerDeps;
}

/** How a registry starts its sessions. */
export interface SessionHouse extends SessionDeps {
  rooms: Rooms<Stage>;
  /** Highest tier of a viewer who asks for none. */
  usualTier: Tier;
}

/**
 * @param user default: a user of its own with weight 1
 * @throws GlimpseError ROOM_NOT_FOUND, ROOM_FULL, FORBIDDEN, and as the constructor of `Stream`
 */
export function startSession(opening: SessionOpening, house: SessionHouse, user?: User): ViewerSession {
  const { room, codec, resumable, tierCap = house.usualTier } = opening;
  const { rooms, viewer } = house;
  const owner = user ?? { id: randomUUID(), weight: 1 };
  const wish = { tierCap, codec, resumable };
  const open = room?.name === undefined ? undefined : rooms.find(room.name);
  if (room && open) {
    const { stage } = open;
    const seat = open.room.join(room);
    const guest = { ...wish, camera: may(seat.right, 'publish') };
    return new ViewerSession({ stage, wish: guest, owner: owner.id, rooms, seat }, viewer);
  }
  const mayCreate = room === undefined || room.granted === undefined || room.granted === 'host';
  if (room && (opening.prompt === '' || !mayCreate)) throw new GlimpseError('ROOM_NOT_FOUND');
  const stage = startStage(opening, house, tierCap, owner);
  const session = new ViewerSession({ stage, wish, owner: owner.id, rooms }, viewer);
  if (room) session.share(room);
  return session;
}

function startStage(opening: SessionOpening, { stream: deps, viewer }: SessionDeps, tierCap: Tier, user: User): Stage {
  const { tiers: made, slice } = deps.generator.info;
  const asked = nearestMade({ made, asked: tierCap });
  const demand = { shown: true, watched: true, asked, tier: asked, fps: slice.fps };
  const stream = new Stream({ request: opening, media: opening.media, user, demand }, deps);
  const encodes = new Encodes({ clock: viewer.clock, stream, encoding: viewer.encoding });
  return { stream, audience: new Audience(stream), encodes };
}
