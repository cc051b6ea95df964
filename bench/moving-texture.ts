/**
 * Seeded test content for encoders: a coloured texture that pans by fractions of a pixel, a disc of another texture
 * crossing it, and a little film grain, so that motion, residual and spare bits all exist at every bitrate. The same
 * size, seed and index give the same bytes on every machine: only integer arithmetic decides a sample.
 */
import type { I420Frame } from '../src/picture/frame.ts';
import { i420Bytes } from '../src/picture/frame.ts';

/** Side of the periodic texture tile, in samples; a power of two so that wrapping is a mask. */
const TILE = 256;
const MASK = TILE - 1;
/** Motion in 1/16 px a frame: 1.5 px right, 0.6 px down. */
const PAN_X16 = 24;
const PAN_Y16 = 10;

/** xorshift32: the smallest generator whose sequence is the same everywhere. */
function* xorshift(seed: number): Generator<number, never> {
  let state = seed >>> 0 || 1;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    yield state;
  }
}

/** Value noise of several octaves, 0–255, periodic in `TILE`. */
function textureTile(seed: number, octaves: readonly { cell: number; weight: number }[]): Uint8Array {
  const random = xorshift(seed);
  const sum = new Float64Array(TILE * TILE);
  for (const { cell, weight } of octaves) {
    const side = TILE / cell;
    const lattice = Uint8Array.from({ length: side * side }, () => random.next().value & 255);
    for (let y = 0; y < TILE; y += 1) {
      const cy = Math.floor(y / cell);
      const fy = (y % cell) / cell;
      for (let x = 0; x < TILE; x += 1) {
        const cx = Math.floor(x / cell);
        const fx = (x % cell) / cell;
        const at = (dx: number, dy: number): number => lattice[((cy + dy) % side) * side + ((cx + dx) % side)] ?? 0;
        const top = at(0, 0) * (1 - fx) + at(1, 0) * fx;
        const bottom = at(0, 1) * (1 - fx) + at(1, 1) * fx;
        sum[y * TILE + x] = (sum[y * TILE + x] ?? 0) + weight * (top * (1 - fy) + bottom * fy);
      }
    }
  }
  return Uint8Array.from(sum);
}

interface Plane {
  data: Uint8Array;
  widthPx: number;
  heightPx: number;
}

/** Samples `tile` bilinearly at 1/16 px, scaled into `[low, low + range]`, plus grain. */
function paint(
  plane: Plane,
  tile: Uint8Array,
  shift: { x16: number; y16: number },
  level: { low: number; range: number; grain: number },
  random: Iterator<number>,
): void {
  const fx = shift.x16 & 15;
  const fy = shift.y16 & 15;
  const originX = shift.x16 >> 4;
  const originY = shift.y16 >> 4;
  let at = 0;
  for (let y = 0; y < plane.heightPx; y += 1) {
    const row = ((y + originY) & MASK) * TILE;
    const below = ((y + originY + 1) & MASK) * TILE;
    let bits = 0;
    for (let x = 0; x < plane.widthPx; x += 1) {
      if ((x & 7) === 0) bits = random.next().value ?? 0;
      const left = (x + originX) & MASK;
      const right = (left + 1) & MASK;
      const top = (tile[row + left] ?? 0) * (16 - fx) + (tile[row + right] ?? 0) * fx;
      const bottom = (tile[below + left] ?? 0) * (16 - fx) + (tile[below + right] ?? 0) * fx;
      const value = (top * (16 - fy) + bottom * fy) >> 8;
      plane.data[at] =
        level.low + ((value * level.range) >> 8) + ((((bits >>> ((x & 7) * 4)) & 15) * level.grain) >> 4);
      at += 1;
    }
  }
}

/** A clip without end: `frame(i)` is the picture at index `i`, any order, any number of times. */
export class MovingTexture {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly #seed: number;
  readonly #ground: Uint8Array;
  readonly #colour: Uint8Array;

  /** `widthPx` and `heightPx` even; `seed` a 32-bit unsigned integer. */
  constructor({ widthPx, heightPx, seed }: { widthPx: number; heightPx: number; seed: number }) {
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    this.#seed = seed;
    this.#ground = textureTile(seed, [
      { cell: 64, weight: 0.45 },
      { cell: 16, weight: 0.35 },
      { cell: 4, weight: 0.2 },
    ]);
    this.#colour = textureTile(seed ^ 0x9e3779b9, [{ cell: 64, weight: 1 }]);
  }

  frame(index: number): I420Frame {
    const { widthPx, heightPx } = this;
    const data = new Uint8Array(i420Bytes(widthPx, heightPx));
    const luma = widthPx * heightPx;
    const chroma = luma / 4;
    const random = xorshift(this.#seed + index * 2_654_435_761);
    const x16 = index * PAN_X16;
    const y16 = index * PAN_Y16;
    const y = { data: data.subarray(0, luma), widthPx, heightPx };
    paint(y, this.#ground, { x16, y16 }, { low: 30, range: 190, grain: 6 }, random);
    this.#disc(y, index);
    const half = { widthPx: widthPx / 2, heightPx: heightPx / 2 };
    const still = { low: 70, range: 116, grain: 1 };
    const u = { data: data.subarray(luma, luma + chroma), ...half };
    paint(u, this.#colour, { x16: x16 >> 1, y16: y16 >> 1 }, still, random);
    const v = { data: data.subarray(luma + chroma), ...half };
    paint(v, this.#colour, { x16: (x16 >> 1) + 1600, y16: (y16 >> 1) + 700 }, still, random);
    return { widthPx, heightPx, data };
  }

  /** The disc moves against the pan, so that prediction has an edge to fail at. */
  #disc({ data, widthPx, heightPx }: Plane, index: number): void {
    const radius = heightPx >> 2;
    const centreX = widthPx - ((index * 4) % widthPx);
    const centreY = heightPx >> 1;
    for (let y = Math.max(0, centreY - radius); y < Math.min(heightPx, centreY + radius); y += 1) {
      for (let x = Math.max(0, centreX - radius); x < Math.min(widthPx, centreX + radius); x += 1) {
        if ((x - centreX) ** 2 + (y - centreY) ** 2 > radius * radius) continue;
        const texel = this.#ground[(((y << 1) & MASK) * TILE + (((x + index * 4) << 1) & MASK)) | 0] ?? 0;
        data[y * widthPx + x] = 60 + (texel >> 1);
      }
    }
  }
}
