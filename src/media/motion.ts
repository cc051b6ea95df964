/**
 * Speed of a picture's motion in pixels per frame: the change between two pictures divided by the horizontal gradient
 * (normal flow, Horn and Schunck 1981, one value per tile). The fastest tile counts, because the eye follows it. Noise
 * and cuts read as fast, which is the safe side. Pure.
 */
import type { I420Frame } from '../picture/frame.ts';

/** Tiles along each side. */
const TILES = 6;
/** Distance of the luma samples in a row and a column: 60 µs for 640x360. */
const STEP_PX = 3;
/** Smallest gradient: a flat tile shows no motion. */
const GRADIENT_MIN = 0.5;
/** Weight of one picture in the mean: the frame rate should not change with every gesture. */
const MOTION_WEIGHT = 0.1;
/** Pictures needed before the mean counts. */
const PICTURES_MIN = 8;

/** Undefined for pictures of different sizes. */
export function motionPx(before: I420Frame, after: I420Frame): number | undefined {
  const { widthPx, heightPx, data } = after;
  if (before.widthPx !== widthPx || before.heightPx !== heightPx) return undefined;
  const changed = new Float64Array(TILES * TILES);
  const slope = new Float64Array(TILES * TILES);
  for (let y = 0; y < heightPx; y += STEP_PX) {
    const tileRow = TILES * Math.floor((y * TILES) / heightPx);
    for (let x = 0; x + 1 < widthPx; x += STEP_PX) {
      const tile = tileRow + Math.floor((x * TILES) / widthPx);
      const at = y * widthPx + x;
      const here = data[at] ?? 0;
      changed[tile]! += Math.abs(here - (before.data[at] ?? 0));
      slope[tile]! += Math.max(Math.abs((data[at + 1] ?? 0) - here), GRADIENT_MIN);
    }
  }
  return changed.reduce((most, sum, tile) => Math.max(most, sum / (slope[tile] || 1)), 0);
}

export interface MovingPicture {
  frame: I420Frame;
  /** Counted in the generator's frames. */
  frameIndex: number;
  revision: number;
}

/** The mean motion of a revision's pictures, independent of how many are sent. */
export class Motion {
  #last: MovingPicture | undefined;
  #px: number | undefined;
  #pictures = 0;

  /** Pixels between two frames of the generator; undefined: unknown. */
  get px(): number | undefined {
    return this.#pictures < PICTURES_MIN ? undefined : this.#px;
  }

  /** Takes the picture shown now; ignores repeats. */
  onPicture({ frame, frameIndex, revision }: MovingPicture): void {
    const last = this.#last;
    if (last?.frame === frame) return;
    this.#last = { frame, frameIndex, revision };
    if (last?.revision !== revision) {
      this.#px = undefined;
      this.#pictures = 0;
      return;
    }
    // A loop's restart, or the same picture at a better tier, does not show motion.
    const frames = frameIndex - last.frameIndex;
    const moved = frames > 0 ? motionPx(last.frame, frame) : undefined;
    if (moved === undefined) return;
    this.#px = (1 - MOTION_WEIGHT) * (this.#px ?? moved / frames) + (MOTION_WEIGHT * moved) / frames;
    this.#pictures += 1;
  }
}
