/** Who is in a room. The names are chosen by those who join, so they are cleaned before anyone else sees them. */
import { randomBytes } from 'node:crypto';
import { GlimpseError } from '../errors.ts';
import type { Right } from './rights.ts';

/** One member, as all members see them. */
export interface Member {
  /** Public: it opens nothing. */
  readonly id: string;
  readonly name: string;
  readonly right: Right;
  /** Sends camera or microphone into the stream. */
  readonly publishes: boolean;
}

/** Characters of a name. */
export const MEMBER_NAME_MAX = 40;

export class Members {
  readonly #most: number;
  readonly #members = new Map<string, Member>();
  #joined = 0;

  /** @param most members at once */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#members.size;
  }

  /** In the order of joining. */
  get list(): Member[] {
    return [...this.#members.values()];
  }

  get hasHost(): boolean {
    return this.list.some(({ right }) => right === 'host');
  }

  get(id: string): Member | undefined {
    return this.#members.get(id);
  }

  /**
   * @param name as given by the one who joins; default: "Guest" and their number
   * @throws GlimpseError ROOM_FULL
   */
  join(right: Right, name: string | undefined): Member {
    if (this.#members.size >= this.#most)
      throw new GlimpseError('ROOM_FULL', { details: { most: this.#most }, retryAfterMs: 5_000 });
    this.#joined += 1;
    const cleaned = cleanName(name ?? '') || `Guest ${this.#joined}`;
    const member: Member = { id: randomBytes(6).toString('base64url'), name: cleaned, right, publishes: false };
    this.#members.set(member.id, member);
    return member;
  }

  /**
   * Records that a member begins or ends to send media into the stream. One at a time: there is one picture to follow.
   * @throws GlimpseError PUBLISHER_EXISTS
   */
  publish(id: string, publishes: boolean): void {
    const member = this.#members.get(id);
    if (!member) return;
    if (publishes && this.list.some((other) => other.publishes && other.id !== id))
      throw new GlimpseError('PUBLISHER_EXISTS');
    this.#members.set(id, { ...member, publishes });
  }

  /** Whether they were still in. */
  leave(id: string): boolean {
    return this.#members.delete(id);
  }
}

/**
 * One line of visible text: no controls, no invisible or direction-changing characters (Unicode categories C and Z
 * other than the space), spaces joined, at most `MEMBER_NAME_MAX` characters.
 */
export function cleanName(name: string): string {
  const visible = name
    .slice(0, 4 * MEMBER_NAME_MAX)
    .normalize('NFC')
    .replaceAll(/[\p{Z}\s]+/gu, ' ')
    .replaceAll(/\p{C}/gu, '');
  return Array.from(visible.trim()).slice(0, MEMBER_NAME_MAX).join('').trim();
}
