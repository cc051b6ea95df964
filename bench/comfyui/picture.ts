/**
 * A picture as hard to decode as a video's: gradients with grain, written as the server writes it (PIL at level 1: of
 * each row the filter with the smallest sum, none, sub, up or Paeth). About three quarters of a megabyte at 960x544.
 */
import { constants, deflateSync } from 'node:zlib';
import { pngOf } from '../support/pictures/png.ts';
import { seededRandom } from '../link/seeded-random.ts';

const GRAIN = 6;
/** Bytes of a pixel. */
const STEP = 3;
const FILTERS = [0, 1, 2, 4] as const;

export function texturedPng(widthPx: number, heightPx: number): Uint8Array {
  const random = seededRandom(1);
  const grain = (): number => (random() - 0.5) * GRAIN;
  const filtered: Uint8Array[] = [];
  let above: Uint8Array = new Uint8Array(widthPx * STEP);
  for (let y = 0; y < heightPx; y++) {
    const row = new Uint8Array(widthPx * STEP);
    for (let x = 0; x < widthPx; x++) {
      row[x * STEP] = Math.round(60 + (120 * x) / widthPx + grain());
      row[x * STEP + 1] = Math.round(80 + (90 * y) / heightPx + grain());
      row[x * STEP + 2] = Math.round(128 + 60 * Math.sin((x + y) / 90) + grain());
    }
    filtered.push(smallest(row, above));
    above = row;
  }
  return pngOf(widthPx, heightPx, deflateSync(Buffer.concat(filtered), { level: 1, strategy: constants.Z_FILTERED }));
}

/** The row behind the number of its filter (PNG, 9). */
function smallest(row: Uint8Array, above: Uint8Array): Uint8Array {
  const candidates = FILTERS.map((filter) => {
    const bytes = new Uint8Array(row.length + 1);
    bytes[0] = filter;
    for (let at = 0; at < row.length; at++) bytes[at + 1] = (row[at] ?? 0) - predicted(filter, row, above, at);
    return bytes;
  });
  const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + Math.min(byte, 256 - byte), 0);
  return candidates.reduce((best, other) => (sum(other) < sum(best) ? other : best));
}

function predicted(filter: (typeof FILTERS)[number], row: Uint8Array, above: Uint8Array, at: number): number {
  const left = row[at - STEP] ?? 0;
  const up = above[at] ?? 0;
  if (filter < 4) return [0, left, up][filter] ?? 0;
  const upLeft = above[at - STEP] ?? 0;
  const guess = left + up - upLeft;
  const [byLeft, byUp, byBoth] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - upLeft)];
  if (byLeft <= byUp && byLeft <= byBoth) return left;
  return byUp <= byBoth ? up : upLeft;
}
