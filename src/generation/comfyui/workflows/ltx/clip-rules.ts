/**
 * Sizes and lengths that LTX-2 can make. After the first frame one latent frame stands for 8 frames; one latent cell
 * stands for 32×32 pixels. With a second stage at twice the size, sides are multiples of 64. Checked before anything is
 * sent: the server rounds silently, and the taps would not have the promised size. Pure.
 */
import { GlimpseError } from '../../../../errors.ts';

const FRAME_STEP = 8;
const CELL_PX = 32;
const SIDE_MAX_PX = 4096;
/** LTXVEmptyLatentAudio takes no more than 1000. */
const FRAMES_MAX = 993;

export interface ClipShape {
  widthPx: number;
  heightPx: number;
  frames: number;
}

/** The nearest length of the form 8k + 1, from 9 up. */
export const nearestFrames = (frames: number): number =>
  clamp(Math.round((frames - 1) / FRAME_STEP) * FRAME_STEP + 1, FRAME_STEP + 1, FRAMES_MAX);

/** The nearest side of a finished picture, px. */
export function nearestSidePx(sidePx: number, stages: 1 | 2, leastSidePx: number): number {
  const step = CELL_PX * stages;
  return clamp(Math.round(sidePx / step) * step, leastSidePx, SIDE_MAX_PX);
}

/** @param leastSidePx of the family: a smaller picture is outside of what it was made for */
export const nearestClip = (
  { widthPx, heightPx, frames }: ClipShape,
  stages: 1 | 2,
  leastSidePx: number,
): ClipShape => ({
  widthPx: nearestSidePx(widthPx, stages, leastSidePx),
  heightPx: nearestSidePx(heightPx, stages, leastSidePx),
  frames: nearestFrames(frames),
});

/** @throws GlimpseError WORKFLOW_INVALID with the nearest valid shape in its details. */
export function checkClip(shape: ClipShape, stages: 1 | 2, leastSidePx: number): void {
  const nearest = nearestClip(shape, stages, leastSidePx);
  const { widthPx, heightPx, frames } = shape;
  if (nearest.widthPx === widthPx && nearest.heightPx === heightPx && nearest.frames === frames) return;
  throw new GlimpseError('WORKFLOW_INVALID', {
    message:
      `LTX-2 cannot make ${widthPx}x${heightPx} with ${frames} frames: sides are multiples of ${CELL_PX * stages} from ${leastSidePx} on, ` +
      `frames are 8k + 1. Nearest: ${nearest.widthPx}x${nearest.heightPx} with ${nearest.frames} frames.`,
    details: { nearest },
  });
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
