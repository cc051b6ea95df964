/** Red pictures in the kinds of PNG that no server of video sends but any may: FFmpeg reads them as they are. */
import { deflateSync } from 'node:zlib';
import { pngChunk } from '../../bench/support/pictures/png.ts';

export const KINDS_SIZE = { widthPx: 64, heightPx: 32 };
const RED = [255, 0, 0];
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const PALETTE = pngChunk('PLTE', Buffer.from([0, 0, 255, ...RED]));
/** First column and row of each pass of Adam7, and steps between them. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function head(depth: number, colourType: number, interlace = 0): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(KINDS_SIZE.widthPx, 0);
  header.writeUInt32BE(KINDS_SIZE.heightPx, 4);
  header.set([depth, colourType, 0, 0, interlace], 8);
  return pngChunk('IHDR', header);
}

/** Rows of one colour, each behind the filter 0. */
function rows(pixel: readonly number[], { widthPx, heightPx } = KINDS_SIZE, bits = pixel.length * 8): Buffer {
  const bytes = Math.ceil((widthPx * bits) / 8);
  const row = Buffer.from([0, ...Array.from({ length: bytes }, (_, at) => pixel[at % pixel.length] ?? 0)]);
  return Buffer.concat(Array.from({ length: heightPx }, () => row));
}

const interlaced = (): Buffer =>
  Buffer.concat(
    PASSES.map(([x, y, across, down]) =>
      rows(RED, {
        widthPx: Math.ceil((KINDS_SIZE.widthPx - x) / across),
        heightPx: Math.ceil((KINDS_SIZE.heightPx - y) / down),
      }),
    ),
  );

const png = (header: Buffer, data: Buffer, ...before: Buffer[]): Uint8Array =>
  Buffer.concat([SIGNATURE, header, ...before, pngChunk('IDAT', deflateSync(data)), pngChunk('IEND', Buffer.alloc(0))]);

const transparentRed = pngChunk('tRNS', Buffer.from([0, 255, 0, 0, 0, 0]));
export const PNG_KINDS: { what: string; png: Uint8Array }[] = [
  { what: 'of 16 bits', png: png(head(16, 2), rows([255, 255, 0, 0, 0, 0])) },
  { what: 'of 16 bits with alpha', png: png(head(16, 6), rows([255, 255, 0, 0, 0, 0, 0, 0])) },
  { what: 'of a palette', png: png(head(8, 3), rows([1]), PALETTE) },
  { what: 'of a palette of two', png: png(head(1, 3), rows([255], KINDS_SIZE, 1), PALETTE) },
  {
    what: 'of a palette with alpha',
    png: png(head(8, 3), rows([1]), PALETTE, pngChunk('tRNS', Buffer.from([0, 128]))),
  },
  { what: 'transparent by one colour', png: png(head(8, 2), rows(RED), transparentRed) },
  { what: 'interlaced', png: png(head(8, 2, 1), interlaced()) },
];
