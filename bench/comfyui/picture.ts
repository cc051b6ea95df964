/**
 * A picture as hard to decode as a video's: gradients with grain, compressed like the server's (PIL, level 1, filtered).
 * About a megabyte at 960x544.
 */
import { encodePng } from '../../test/support/png.ts';
import { seededRandom } from '../link/seeded-random.ts';

const GRAIN = 6;

export function texturedPng(widthPx: number, heightPx: number): Uint8Array {
  const random = seededRandom(1);
  const grain = (): number => (random() - 0.5) * GRAIN;
  return encodePng(widthPx, heightPx, (x, y) => [
    Math.round(60 + (120 * x) / widthPx + grain()),
    Math.round(80 + (90 * y) / heightPx + grain()),
    Math.round(128 + 60 * Math.sin((x + y) / 90) + grain()),
  ]);
}
