/** Pictures that say how they are to be turned, as phones write them: an Exif tag in JPEG, PNG and WebP. */
import { crc32 } from 'node:zlib';

/** TIFF with one tag, Orientation; `II` is little-endian. */
export function tiff(orientation: number, order: 'II' | 'MM' = 'MM'): Buffer {
  const bytes = Buffer.alloc(26);
  const short = (value: number, at: number) =>
    order === 'II' ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const long = (value: number, at: number) =>
    order === 'II' ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  bytes.write(order, 0, 'latin1');
  short(42, 2);
  long(8, 4);
  short(1, 8);
  short(0x0112, 10);
  short(3, 12);
  long(1, 14);
  short(orientation, 18);
  return bytes;
}

const withHead = (data: Buffer): Buffer => Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), data]);

export function jpegTurned(jpeg: Uint8Array, orientation: number, order?: 'II' | 'MM'): Buffer {
  const data = withHead(tiff(orientation, order));
  const head = Buffer.from([0xff, 0xe1, 0, data.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, data, jpeg.subarray(2)]);
}

export function pngTurned(png: Uint8Array, orientation: number): Buffer {
  const body = Buffer.concat([Buffer.from('eXIf', 'latin1'), tiff(orientation)]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length - 4);
  sum.writeUInt32BE(crc32(body));
  // Behind IHDR.
  return Buffer.concat([png.subarray(0, 33), length, body, sum, png.subarray(33)]);
}

/** As an extended file (VP8X), which metadata needs. */
export function webpTurned(webp: Uint8Array, orientation: number, widthPx: number, heightPx: number): Buffer {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const head = Buffer.alloc(8);
    head.write(type, 0, 'latin1');
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
  };
  const features = Buffer.alloc(10);
  features[0] = 0x08;
  features.writeUIntLE(widthPx - 1, 4, 3);
  features.writeUIntLE(heightPx - 1, 7, 3);
  const body = Buffer.concat([
    Buffer.from('WEBP', 'latin1'),
    chunk('VP8X', features),
    webp.subarray(12),
    chunk('EXIF', tiff(orientation)),
  ]);
  const head = Buffer.alloc(8);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}
