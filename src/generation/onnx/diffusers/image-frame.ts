/** Converts pictures as models give them (RGB planes, -1 to 1) to frames (I420, BT.601 limited range). Pure. */
import { i420Bytes, type I420Frame } from '../../../picture/frame.ts';

/**
 * @param planes red, green, blue, each `widthPx * heightPx`, row by row, -1 black to 1 full. Values beyond are clipped;
 *   NaN becomes black. Sides are even.
 */
export function frameFromPlanes(planes: Float32Array, widthPx: number, heightPx: number): I420Frame {
  const pixels = widthPx * heightPx;
  const data = new Uint8Array(i420Bytes(widthPx, heightPx));
  const red = planes.subarray(0, pixels);
  const green = planes.subarray(pixels, 2 * pixels);
  const blue = planes.subarray(2 * pixels, 3 * pixels);
  for (let at = 0; at < pixels; at++) {
    // BT.601: 16 + 219 * (0.299 R + 0.587 G + 0.114 B), of (value + 1) / 2; a half more rounds.
    const luma = 0.299 * unit(red[at]!) + 0.587 * unit(green[at]!) + 0.114 * unit(blue[at]!);
    data[at] = 126 + 109.5 * luma;
  }
  const chroma = pixels / 4;
  const chromaWidth = widthPx / 2;
  for (let row = 0; row < heightPx / 2; row++) {
    for (let column = 0; column < chromaWidth; column++) {
      const at = 2 * row * widthPx + 2 * column;
      const r = meanOfFour(red, at, widthPx);
      const g = meanOfFour(green, at, widthPx);
      const b = meanOfFour(blue, at, widthPx);
      const place = pixels + row * chromaWidth + column;
      data[place] = 128.5 + 112 * (-0.168736 * r - 0.331264 * g + 0.5 * b);
      data[place + chroma] = 128.5 + 112 * (0.5 * r - 0.418688 * g - 0.081312 * b);
    }
  }
  return { widthPx, heightPx, data };
}

const meanOfFour = (plane: Float32Array, at: number, widthPx: number): number =>
  (unit(plane[at]!) + unit(plane[at + 1]!) + unit(plane[at + widthPx]!) + unit(plane[at + widthPx + 1]!)) / 4;

/** Also turns NaN into black: fp16 decoders can give it. */
const unit = (value: number): number => (value > -1 ? (value < 1 ? value : 1) : -1);
