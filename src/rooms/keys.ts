/**
 * The secrets of a room's links: one for each right. Presenting one gives its right, so a link can be passed on.
 * They live as long as the room.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { RIGHTS, type Right } from './rights.ts';

const KEY_BYTES = 18;

export class RoomKeys {
  readonly #keys: ReadonlyMap<Right, Buffer>;

  constructor() {
    const draw = (): Buffer => Buffer.from(randomBytes(KEY_BYTES).toString('base64url'));
    this.#keys = new Map(RIGHTS.map((right) => [right, draw()]));
  }

  /** The secrets that a member with this right may pass on: of no right beyond their own. */
  below(right: Right): Partial<Record<Right, string>> {
    const shown = right === 'host' ? RIGHTS : [];
    return Object.fromEntries(shown.map((each) => [each, this.#keys.get(each)?.toString()]));
  }

  /** Undefined for a secret that is none of this room's. Compares in constant time. */
  rightOf(key: string): Right | undefined {
    const given = Buffer.from(key);
    let found: Right | undefined;
    for (const [right, secret] of this.#keys)
      if (given.length === secret.length && timingSafeEqual(given, secret)) found = right;
    return found;
  }
}
