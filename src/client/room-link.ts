/**
 * Links to a room. The secret stands in the fragment, which browsers send to no server: it is in no log and no
 * `Referer`.
 */
import type { Right, RoomEvent, RoomOptions } from './options.ts';

/**
 * @param page address of the page that opens links; default: the current one
 * @returns undefined where the room's event has no secret for this right: only hosts are given them
 */
export function roomLink(room: Pick<RoomEvent, 'name' | 'keys'>, right: Right, page?: string | URL): URL | undefined {
  const key = room.keys?.[right];
  if (key === undefined) return undefined;
  const link = new URL(page ?? globalThis.location.href);
  link.search = '';
  link.hash = new URLSearchParams({ room: room.name, key }).toString();
  return link;
}

/**
 * The room that a link names, for `connect`; undefined for other links.
 * @param hash the fragment of the link, as in `location.hash`
 */
export function roomFromLink(hash: string): Pick<RoomOptions, 'name' | 'key'> | undefined {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const name = fields.get('room');
  if (name === null) return undefined;
  const key = fields.get('key');
  return key === null ? { name } : { name, key };
}
