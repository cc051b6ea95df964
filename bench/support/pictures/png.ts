/** Writes PNG pictures for tests: 8-bit RGB, no filter unless it is in the data, packed fast. */
import { crc32, deflateSync } from 'node:zlib';

type Rgb = readonly [red: number, green: number, blue: number];

/** `pixel` gives the colour at a place, 0 to 255 each. */
export function encodePng(widthPx: number, heightPx: number, pixel: (x: number, y: number) => Rgb): Uint8Array {
  const rows = Buffer.alloc(heightPx * (1 + widthPx * 3));
  for (let y = 0; y < heightPx; y++)
    for (let x = 0; x < widthPx; x++) rows.set(pixel(x, y), y * (1 + widthPx * 3) + 1 + x * 3);
  return pngOf(widthPx, heightPx, deflateSync(rows, { level: 1 }));
}

/** `data`: rows of RGB behind their filter bytes, deflated. */
export function pngOf(widthPx: number, heightPx: number, data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPx, 0);
  header.writeUInt32BE(heightPx, 4);
  // Depth 8, colour type 2 (RGB).
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return new Uint8Array(
    Buffer.concat([signature, pngChunk('IHDR', header), pngChunk('IDAT', data), pngChunk('IEND', new Uint8Array(0))]),
  );
}

/** With its length and checksum. */
export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
