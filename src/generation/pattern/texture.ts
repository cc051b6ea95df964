/**
 * Sources of the test pattern's pictures: a small tile of cloud-like value noise that wraps around at its sides, a soft
 * half-size copy of it for drafts, and grain that no motion search can predict. Pure.
 */
import { createRandom } from '../slices/noise.ts';

/** A square tile of luma, repeated to the right so that a picture's row is one copy from any column. */
export interface Texture {
  /** Side of the tile; rows and columns repeat after it. */
  tilePx: number;
  /** Bytes in a row: the tile's side and the widest row that may be cut. */
  strideBytes: number;
  /** `tilePx` rows. */
  luma: Uint8Array;
}

/** Large enough to hide repetition, small enough to be made in a few milliseconds. */
export const TILE_PX = 256;
/** A texture's luma lies between these, which leaves room for grain below white. */
const DARK = 24;
const BRIGHT = 160;
/** Cells across the tile of each cloud layer, and its weight. */
const LAYERS = [
  { cells: 4, weight: 0.5 },
  { cells: 16, weight: 0.3 },
  { cells: 64, weight: 0.2 },
] as const;

/** Smooth noise, different for every seed; rows up to `widthPx` can be cut. */
export function cloudTexture(seed: number, widthPx: number): Texture {
  const sum = new Float32Array(TILE_PX * TILE_PX);
  for (const [layer, { cells, weight }] of LAYERS.entries()) addLayer(sum, cells, weight, [seed, layer]);
  return repeat(
    Uint8Array.from(sum, (value) => DARK + (BRIGHT - DARK) * value),
    TILE_PX,
    widthPx,
  );
}

/** The mean of 4x4 pixels at every second pixel: half as wide and high, and soft. */
export function halfTexture({ tilePx, strideBytes, luma }: Texture, widthPx: number): Texture {
  const side = tilePx / 2;
  const half = new Uint8Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (let dy = 0; dy < 4; dy++) {
        const row = ((2 * y + dy) % tilePx) * strideBytes;
        for (let dx = 0; dx < 4; dx++) sum += luma[row + ((2 * x + dx) % tilePx)] as number;
      }
      half[y * side + x] = sum / 16;
    }
  }
  return repeat(half, side, widthPx);
}

/** `words` times four bytes of white noise from 0 to `amplitude`, packed so that four pixels are added at once. */
export function grainWords(words: number, amplitude: number): Uint32Array {
  const random = createRandom(LAYERS.length);
  const bytes = new Uint8Array(words * 4);
  for (let index = 0; index < bytes.length; index += 4) {
    const bits = random.bits();
    for (let lane = 0; lane < 4; lane++) bytes[index + lane] = (((bits >>> (8 * lane)) & 0xff) * (amplitude + 1)) >>> 8;
  }
  return new Uint32Array(bytes.buffer);
}

function repeat(tile: Uint8Array, tilePx: number, widthPx: number): Texture {
  const strideBytes = tilePx + widthPx;
  const luma = new Uint8Array(strideBytes * tilePx);
  for (let y = 0; y < tilePx; y++) {
    const row = tile.subarray(y * tilePx, (y + 1) * tilePx);
    for (let x = 0; x < strideBytes; x += tilePx) luma.set(row.subarray(0, strideBytes - x), y * strideBytes + x);
  }
  return { tilePx, strideBytes, luma };
}

/** Adds random values on a grid of `cells` by `cells`, smoothly interpolated, wrapping around at the sides. */
function addLayer(sum: Float32Array, cells: number, weight: number, keys: readonly number[]): void {
  const random = createRandom(...keys);
  const grid = Float32Array.from({ length: cells * cells }, () => random.uniform() * weight);
  // First between two rows of the grid, which is short, then along it.
  const row = new Float32Array(cells + 1);
  const pixelsPerCell = TILE_PX / cells;
  const parts = Float32Array.from({ length: pixelsPerCell }, (_, at) => eased(at / pixelsPerCell));
  for (let y = 0; y < TILE_PX; y++) {
    const upper = Math.floor(y / pixelsPerCell);
    const lower = (upper + 1) % cells;
    const down = parts[y % pixelsPerCell] as number;
    for (let cell = 0; cell <= cells; cell++) {
      const above = grid[upper * cells + (cell % cells)] as number;
      row[cell] = above + ((grid[lower * cells + (cell % cells)] as number) - above) * down;
    }
    let at = y * TILE_PX;
    for (let cell = 0; cell < cells; cell++) {
      const left = row[cell] as number;
      const step = (row[cell + 1] as number) - left;
      for (let part = 0; part < pixelsPerCell; part++, at++)
        sum[at] = (sum[at] as number) + left + step * (parts[part] as number);
    }
  }
}

/** From 0 to 1, level at both ends. */
const eased = (part: number): number => part * part * (3 - 2 * part);
