/**
 * Limits how many connections one address may hold, so that it cannot take them all. Trusted proxies carry many
 * clients and are not counted. A connection over the limit is closed before any byte of it is read.
 */
import type { Socket } from 'node:net';

/** Undefined for an address that is not counted. */
export type AddressKey = (remote: string | undefined) => string | undefined;

export class ConnectionShare {
  readonly #max: number;
  readonly #keyOf: AddressKey;
  readonly #open = new Map<string, number>();

  constructor(max: number, keyOf: AddressKey) {
    this.#max = max;
    this.#keyOf = keyOf;
  }

  /** Counts a connection until it closes. @returns false when it exceeds the share; it is closed then */
  take(socket: Pick<Socket, 'remoteAddress' | 'once' | 'destroy'>): boolean {
    const key = this.#keyOf(socket.remoteAddress);
    if (key === undefined) return true;
    const open = this.#open.get(key) ?? 0;
    if (open >= this.#max) {
      socket.destroy();
      return false;
    }
    this.#open.set(key, open + 1);
    socket.once('close', () => {
      const left = (this.#open.get(key) ?? 1) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    });
    return true;
  }
}
