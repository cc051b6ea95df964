/** Peak signal-to-noise ratio in dB, the lowest of the three planes, so that swapped or shifted chroma shows. */
import type { I420Frame } from '../../../src/picture/frame.ts';

export function lowestPsnrDb(a: I420Frame, b: I420Frame): number {
  if (a.widthPx !== b.widthPx || a.heightPx !== b.heightPx) return 0;
  const luma = a.widthPx * a.heightPx;
  const planes = [
    [0, luma],
    [luma, luma * 1.25],
    [luma * 1.25, luma * 1.5],
  ] as const;
  return Math.min(...planes.map(([start, end]) => psnrDb(a.data.subarray(start, end), b.data.subarray(start, end))));
}

function psnrDb(a: Uint8Array, b: Uint8Array): number {
  const squares = a.reduce((sum, sample, i) => sum + (sample - (b[i] ?? 0)) ** 2, 0);
  return squares === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((255 * 255 * a.length) / squares);
}
