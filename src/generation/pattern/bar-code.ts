/**
 * A number in the picture: 20 black or white blocks across its top, 16 for the number (most significant first) and 4 as
 * a check. Read after encoding, loss and scaling it tells which frame is on screen, without timestamps. Blocks are as
 * large as the width allows and only their middle is read, so that blocking and ringing do not matter. Pure.
 */
import type { I420Frame } from '../../picture/frame.ts';

const NUMBER_BITS = 16;
const BLOCKS = 20;
/** The bar's height as a part of the picture's. */
const HEIGHT_PART = 1 / 12;
const BLACK = 16;
const WHITE = 235;
/** Means between these two are neither clearly black nor clearly white: there is no bar code. */
const DARKEST_WHITE = 150;
const BRIGHTEST_BLACK = 101;

/** Paints `number` mod 65536 into the luma plane. */
export function paintBarCode({ data, widthPx, heightPx }: I420Frame, number: number): void {
  const bits = withCheck(number % 2 ** NUMBER_BITS);
  const rows = Math.ceil(heightPx * HEIGHT_PART);
  for (let block = 0; block < BLOCKS; block++) {
    const luma = (bits >>> (BLOCKS - 1 - block)) & 1 ? WHITE : BLACK;
    const left = Math.round((block * widthPx) / BLOCKS);
    const right = Math.round(((block + 1) * widthPx) / BLOCKS);
    for (let row = 0; row < rows; row++) data.fill(luma, row * widthPx + left, row * widthPx + right);
  }
}

/**
 * The number painted into a picture whose luma plane begins at `luma[0]`; rows are `widthPx` long. The picture may have
 * been encoded and scaled to any size from about 60 px wide. Undefined when there is no number or it is damaged.
 */
export function readBarCode(luma: Uint8Array, widthPx: number, heightPx: number): number | undefined {
  let bits = 0;
  for (let block = 0; block < BLOCKS; block++) {
    const mean = blockMean(luma, widthPx, heightPx, block);
    if (mean > BRIGHTEST_BLACK && mean < DARKEST_WHITE) return undefined;
    bits = (bits << 1) | (mean >= DARKEST_WHITE ? 1 : 0);
  }
  const number = bits >>> (BLOCKS - NUMBER_BITS);
  return withCheck(number) === bits ? number : undefined;
}

/** Mean luma of the middle third of a block. */
function blockMean(luma: Uint8Array, widthPx: number, heightPx: number, block: number): number {
  const widthOfBlock = widthPx / BLOCKS;
  const left = Math.floor((block + 1 / 3) * widthOfBlock);
  const right = Math.max(left + 1, Math.floor((block + 2 / 3) * widthOfBlock));
  const top = Math.floor((heightPx * HEIGHT_PART) / 3);
  const bottom = Math.max(top + 1, Math.floor((heightPx * HEIGHT_PART * 2) / 3));
  let sum = 0;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) sum += luma[row * widthPx + column] ?? 0;
  }
  return sum / ((right - left) * (bottom - top));
}

/** Appends the xor of the number's four digits, partly inverted so that neither all black nor all white is valid. */
function withCheck(number: number): number {
  const digits = number ^ (number >>> 4) ^ (number >>> 8) ^ (number >>> 12);
  return (number << 4) | ((digits ^ 0b1010) & 0b1111);
}
