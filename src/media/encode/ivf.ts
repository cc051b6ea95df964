/**
 * IVF, a minimal container with a timestamp per frame: carries raw I420 into the ffmpeg child and VP8 out of it. A
 * header of 32 bytes, then for each frame 4 bytes of size and 8 bytes of time, all little-endian.
 */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 12;

export interface IvfFormat {
  fourcc: 'I420' | 'VP80';
  widthPx: number;
  heightPx: number;
  /** Timestamps count in units of `1 / ticksHz` seconds. */
  ticksHz: number;
}

export function ivfHeader({ fourcc, widthPx, heightPx, ticksHz }: IvfFormat): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(new TextEncoder().encode('DKIF'), 0);
  view.setUint16(6, HEADER_BYTES, true);
  header.set(new TextEncoder().encode(fourcc), 8);
  view.setUint16(12, widthPx, true);
  view.setUint16(14, heightPx, true);
  view.setUint32(16, ticksHz, true);
  view.setUint32(20, 1, true);
  return header;
}

export function ivfFrameHeader(bytes: number, ptsTicks: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, bytes, true);
  view.setBigUint64(4, BigInt(ptsTicks), true);
  return header;
}

/** Splits a growing IVF byte stream into frames. `push` returns copies of the frames completed. */
export class IvfReader {
  #rest: Uint8Array = new Uint8Array(0);
  #headerRead = false;

  push(chunk: Uint8Array): Uint8Array[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Uint8Array[] = [];
    let at = 0;
    if (!this.#headerRead) {
      if (this.#rest.length < HEADER_BYTES) return frames;
      this.#headerRead = true;
      at = HEADER_BYTES;
    }
    const view = new DataView(this.#rest.buffer, this.#rest.byteOffset, this.#rest.byteLength);
    while (this.#rest.length - at >= FRAME_HEADER_BYTES) {
      const start = at + FRAME_HEADER_BYTES;
      const end = start + view.getUint32(at, true);
      if (end > this.#rest.length) break;
      frames.push(new Uint8Array(this.#rest.subarray(start, end)));
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
    return frames;
  }
}
