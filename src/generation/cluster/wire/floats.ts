/** Floats as bytes, little-endian as on every machine that Node runs on. */

export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Copies, so the result is aligned and its own. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array(Math.floor(bytes.length / Float32Array.BYTES_PER_ELEMENT));
  bytesOf(floats).set(bytes.subarray(0, floats.byteLength));
  return floats;
}

/** A NaN or an infinity in latents spreads to every later slice. */
export function areFinite(floats: Float32Array): boolean {
  for (const value of floats) if (!Number.isFinite(value)) return false;
  return true;
}

/** Groups of pieces, each group of at most `maxBytes` in all, without copying. */
export function* chunksOf(parts: readonly Uint8Array[], maxBytes: number): Generator<Uint8Array[]> {
  let chunk: Uint8Array[] = [];
  let room = maxBytes;
  for (const part of parts)
    for (let at = 0; at < part.length;) {
      const piece = part.subarray(at, at + room);
      chunk.push(piece);
      at += piece.length;
      room -= piece.length;
      if (room > 0) continue;
      yield chunk;
      chunk = [];
      room = maxBytes;
    }
  if (chunk.length > 0) yield chunk;
}

/** Collects announced bytes that arrive in pieces. */
export class Collected {
  readonly bytes: Uint8Array;
  #filled = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }

  get complete(): boolean {
    return this.#filled === this.bytes.length;
  }

  /** False if the piece is empty or more than was announced; nothing is taken then. */
  add(piece: Uint8Array): boolean {
    if (piece.length === 0 || piece.length > this.bytes.length - this.#filled) return false;
    this.bytes.set(piece, this.#filled);
    this.#filled += piece.length;
    return true;
  }
}
