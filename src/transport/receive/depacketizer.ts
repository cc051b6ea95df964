/** One codec's payloads, in order, to one access unit. Implementations are pure and bounded by what they are given. */
export interface Depacketizer {
  /** Adds the next payload of the access unit; false when it is malformed, and then the access unit is useless. */
  push(payload: Uint8Array): boolean;
  /** The access unit so far, and begins the next; undefined when it is not whole. */
  finish(): { data: Uint8Array; keyframe: boolean } | undefined;
  /** Drops what was begun. */
  reset(): void;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
