/**
 * The stream's parameters in the page's URL: `?prompt=…&seed=…&mode=…` sets the start, and follows later controls. A
 * token comes after the `#`, which browsers never send: everything before it ends up in logs.
 */
import { roomFromLink } from '../src/client/index.ts';
import type { Mode, RoomOptions } from '../src/client/index.ts';

export const SEED_MAX = 0xffff_ffff;

export interface DeepLink {
  prompt: string | undefined;
  seed: number | undefined;
  mode: Mode;
  /** For servers that require one; never written back to the URL. */
  token: string | undefined;
  /** The room to join. */
  room: RoomOptions | undefined;
}

/** Ignores values out of range: a link may come from anywhere. */
export function readDeepLink({ search, hash }: Pick<Location, 'search' | 'hash'>): DeepLink {
  const query = new URLSearchParams(search);
  return {
    prompt: query.get('prompt')?.trim() || undefined,
    seed: parseSeed(query.get('seed') ?? ''),
    mode: query.get('mode') === 'clip' ? 'clip' : 'live',
    token: new URLSearchParams(hash.slice(1)).get('token') ?? undefined,
    room: roomFromLink(hash),
  };
}

/** `search` with the link's values set; other parameters stay. */
export function writeDeepLink(search: string, { prompt, seed, mode }: Omit<DeepLink, 'token' | 'room'>): string {
  const query = new URLSearchParams(search);
  const values = { prompt, seed: seed === undefined ? undefined : String(seed), mode };
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) query.delete(name);
    else query.set(name, value);
  }
  return `?${query.toString()}`;
}

/** A 32-bit unsigned integer, or undefined. */
export function parseSeed(text: string): number | undefined {
  const seed = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isInteger(seed) && seed >= 0 && seed <= SEED_MAX ? seed : undefined;
}
