import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { storedPng } from '../../src/media/decode/stored-png.ts';
import { PNG_KINDS } from '../support/png-kinds.ts';
import { encodePng, pngChunk as chunk } from '../../bench/support/pictures/png.ts';

const PIXELS_MAX = 4096 * 4096;
const stored = (png: Uint8Array): Uint8Array => storedPng(png, PIXELS_MAX) ?? new Uint8Array(0);
const PICTURE = encodePng(300, 100, (x, y) => [x % 256, y * 2, (x * y) % 256]);
const HEAD_BYTES = 33;

/** The data of each chunk by its type; checks that every checksum is right. */
function chunksOf(png: Uint8Array): { type: string; data: Buffer }[] {
  const bytes = Buffer.from(png);
  const chunks = [];
  for (let at = 8; at < bytes.length; at += bytes.readUInt32BE(at) + 12) {
    const end = at + 8 + bytes.readUInt32BE(at);
    expect(bytes.readUInt32BE(end)).toBe(crc32(bytes.subarray(at + 4, end)));
    chunks.push({ type: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, end) });
  }
  return chunks;
}

/** A PNG of other chunks behind the same head. */
const withChunks = (...chunks: Buffer[]): Buffer => Buffer.concat([PICTURE.subarray(0, HEAD_BYTES), ...chunks]);
const packed = chunksOf(PICTURE).find(({ type }) => type === 'IDAT')?.data ?? Buffer.alloc(0);
const rows = inflateSync(packed);
const end = chunk('IEND', Buffer.alloc(0));

describe('storedPng', () => {
  it('holds the same head and the same rows, packed no more', () => {
    const [head, data, last] = chunksOf(stored(PICTURE));
    expect(head?.data).toEqual(chunksOf(PICTURE)[0]?.data);
    expect(inflateSync(data?.data ?? Buffer.alloc(0)).equals(rows)).toBe(true);
    expect(data?.data.length).toBeGreaterThan(rows.length);
    expect(last?.type).toBe('IEND');
  });

  it('puts data together that comes in many chunks, between others', () => {
    const parts = [0, 1, 2].map((part) => {
      const size = Math.ceil(packed.length / 3);
      return chunk('IDAT', packed.subarray(part * size, (part + 1) * size));
    });
    const png = withChunks(chunk('tEXt', Buffer.from('prompt\0{}')), ...parts, end);
    const [, data] = chunksOf(stored(png));
    expect(inflateSync(data?.data ?? Buffer.alloc(0)).equals(rows)).toBe(true);
  });

  it.each(PNG_KINDS)('leaves one alone that is $what', ({ png }) => {
    expect(storedPng(png, PIXELS_MAX)).toBe(png);
  });

  const changed = (at: number, value: number): Uint8Array => PICTURE.with(at, value);
  it.each([
    ['no picture', Buffer.from('words')],
    ['nothing', new Uint8Array(0)],
    ['cut in its data', PICTURE.subarray(0, 200)],
    ['of a palette that is not there', changed(25, 3)],
    ['of 8 bits and says 16', changed(24, 16)],
    ['of bits that no PNG has', changed(24, 3)],
    ['of colours that no PNG has', changed(25, 5)],
    ['not interlaced and says so', changed(28, 1)],
    ['interlaced in a way that is none', changed(28, 2)],
    ['without data', withChunks(end)],
    ['of too little data', withChunks(chunk('IDAT', deflateSync(rows.subarray(1))), end)],
    ['of too much data', withChunks(chunk('IDAT', deflateSync(Buffer.concat([rows, rows]))), end)],
    ['of data that is damaged', withChunks(chunk('IDAT', packed.with(40, (packed[40] ?? 0) ^ 0xff) as Buffer), end)],
    ['of a filter that no PNG has', withChunks(chunk('IDAT', deflateSync(rows.with(901 * 50, 5))), end)],
    ['of data that ends early', withChunks(chunk('IDAT', packed.subarray(0, -100)), end)],
    ['of a chunk beyond its end', withChunks(chunk('IDAT', packed).subarray(0, 90))],
  ])('refuses one that is %s', (_, png) => {
    expect(storedPng(png, PIXELS_MAX)).toBeUndefined();
  });

  it('refuses one that says it is larger than it may be', () => {
    expect(storedPng(PICTURE, 299 * 100)).toBeUndefined();
  });
});
