/**
 * How good presented pictures are: of every fifteenth frame of the test pattern a patch from its middle, as it went to
 * the encoder and as the browser showed it, found again by the bar code. Both are compared as the luma of what a screen
 * would show, which the canvas of a page can tell; a picture of a lower rung is scaled up first, and so pays for it. Pure.
 */
import type { I420Frame } from '../../src/picture/frame.ts';

/** In pixels of the full picture. */
export const PATCH = { widthPx: 160, heightPx: 90 } as const;
/** Reading pixels back costs the browser milliseconds: twice a second is enough. */
export const PATCH_EVERY_FRAMES = 15;

export interface Quality {
  /** Frames compared. */
  count: number;
  /** In dB; of these the median, the twentieth from below, and the least. */
  p50Db: number;
  p5Db: number;
  minDb: number;
}

const clamped = (value: number): number => Math.min(Math.max(Math.round(value), 0), 255);

/** BT.601, limited range, from 8-bit RGB. */
export const lumaOf = (red: number, green: number, blue: number): number =>
  Math.round(16 + (65.738 * red + 129.057 * green + 25.064 * blue) / 256);

/** The patch as a screen shows it: to RGB and back, as clipping there takes from both sides alike. */
export function patchOf({ data, widthPx, heightPx }: I420Frame): Uint8Array {
  const patch = new Uint8Array(PATCH.widthPx * PATCH.heightPx);
  const left = (widthPx - PATCH.widthPx) >> 1;
  const top = (heightPx - PATCH.heightPx) >> 1;
  const lumaBytes = widthPx * heightPx;
  for (let y = 0; y < PATCH.heightPx; y++) {
    for (let x = 0; x < PATCH.widthPx; x++) {
      const luma = 1.164 * ((data[(top + y) * widthPx + left + x] ?? 0) - 16);
      const chromaAt = ((top + y) >> 1) * (widthPx >> 1) + ((left + x) >> 1);
      const u = (data[lumaBytes + chromaAt] ?? 0) - 128;
      const v = (data[lumaBytes + lumaBytes / 4 + chromaAt] ?? 0) - 128;
      const red = clamped(luma + 1.596 * v);
      const green = clamped(luma - 0.392 * u - 0.813 * v);
      const blue = clamped(luma + 2.017 * u);
      patch[y * PATCH.widthPx + x] = lumaOf(red, green, blue);
    }
  }
  return patch;
}

/** In dB; 99 for equal patches. */
export function psnrDb(a: Uint8Array, b: Uint8Array): number {
  let squares = 0;
  for (let index = 0; index < a.length; index++) squares += ((a[index] ?? 0) - (b[index] ?? 0)) ** 2;
  return squares === 0 ? 99 : 10 * Math.log10((255 ** 2 * a.length) / squares);
}

/** Undefined when nothing could be compared. */
export function qualityOf(samplesDb: readonly number[]): Quality | undefined {
  if (samplesDb.length === 0) return undefined;
  const sorted = samplesDb.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round((sorted[Math.floor(share * sorted.length)] ?? 0) * 10) / 10;
  return { count: sorted.length, p50Db: at(0.5), p5Db: at(0.05), minDb: at(0) };
}
