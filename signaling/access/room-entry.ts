/** The room that a client may enter: the one it asks for, or the only one that its token opens. */
import { GlimpseError } from '../../src/errors.ts';
import type { RoomOpening } from '../../src/rooms/room.ts';
import type { RoomRequest } from '../room-messages.ts';
import type { TokenClaims } from './token-claims.ts';

/** @throws GlimpseError FORBIDDEN for another room than the token's */
export function roomEntry(
  claims: Pick<TokenClaims, 'glimpse_room' | 'glimpse_right'> | undefined,
  asked: RoomRequest | undefined,
): RoomOpening | undefined {
  if (claims?.glimpse_room === undefined) return asked;
  const { glimpse_room: name, glimpse_right: granted = 'watch' } = claims;
  if (asked?.name !== undefined && asked.name !== name)
    throw new GlimpseError('FORBIDDEN', { message: 'The token is for another room.' });
  return { ...asked, name, granted };
}
