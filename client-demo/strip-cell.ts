/**
 * Draws one slice: before it is on screen, a mosaic in its tier's colour; afterwards, a still of it. Both are coarser
 * at lower tiers, so the strip sharpens as the video does. A bar below fills with the tier; it is dashed where the
 * fast variant made the tier.
 */
import type { Cell } from './cell.ts';
import { TIER_COLOURS, tierRank } from './tiers.ts';

/** Side of a block, CSS px, by tier: draft, base, refined, upscaled. */
const BLOCK_PX = [16, 8, 1, 0.5] as const;
/** Blocks larger than this are drawn with visible edges. */
const SMOOTH_PX = 4;
/** Filled part of the bar, by tier. */
const FILL = [1 / 3, 2 / 3, 1, 1] as const;
const BAR_PX = 4;
const BAR_GAP_PX = 4;
const RADIUS_PX = 6;
/** Radius of the dot on a cached slice. */
const CACHED_PX = 2.5;
/** Dashes of a tier made by the fast variant, CSS px. */
const DASH_PX = 5;
const DASH_GAP_PX = 3;
/** How long a cell lights up when it reaches a tier, ms. */
const FLASH_MS = 700;

export interface CellBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface CellLook {
  box: CellBox;
  /** A still of the slice, once it has been on screen. */
  still: HTMLCanvasElement | undefined;
  /** Behind the playhead. */
  past: boolean;
  /** Time since it reached its tier, ms; Infinity draws it without animation. */
  ageMs: number;
}

const scratch = document.createElement('canvas');

export function drawCell(context: CanvasRenderingContext2D, cell: Cell, { box, still, past, ageMs }: CellLook): void {
  const rank = tierRank(cell.tier);
  const picture = { ...box, height: box.height - BAR_PX - BAR_GAP_PX };
  const flash = Math.max(0, 1 - ageMs / FLASH_MS);
  context.save();
  context.beginPath();
  context.roundRect(picture.x, picture.y, picture.width, picture.height, RADIUS_PX);
  context.clip();
  if (still) drawCoarse(context, still, picture, BLOCK_PX[rank] ?? 1);
  else drawMosaic(context, cell, picture);
  context.globalAlpha = past ? 0.35 : 0;
  context.fillStyle = '#0a0c11';
  context.fillRect(picture.x, picture.y, picture.width, picture.height);
  context.globalAlpha = flash * 0.35;
  context.fillStyle = TIER_COLOURS[cell.tier];
  context.fillRect(picture.x, picture.y, picture.width, picture.height);
  context.restore();
  if (cell.cached) drawCached(context, picture, cell.cached);
  drawBar(context, cell, { ...box, y: box.y + box.height - BAR_PX, height: BAR_PX }, { past, flash, ageMs });
}

/** A dot for a replayed slice, a ring for one started from a similar picture. */
function drawCached(context: CanvasRenderingContext2D, box: CellBox, cached: 'segment' | 'latent'): void {
  context.beginPath();
  context.arc(box.x + box.width - 3 * CACHED_PX, box.y + 3 * CACHED_PX, CACHED_PX, 0, 2 * Math.PI);
  context.strokeStyle = '#fff';
  context.fillStyle = '#fff';
  if (cached === 'segment') context.fill();
  else context.stroke();
}

/** The placeholder of a slice that has not been made. */
export function drawEmpty(context: CanvasRenderingContext2D, box: CellBox): void {
  context.fillStyle = '#141822';
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height - BAR_PX - BAR_GAP_PX, RADIUS_PX);
  context.roundRect(box.x, box.y + box.height - BAR_PX, box.width, BAR_PX, BAR_PX / 2);
  context.fill();
}

function drawBar(
  context: CanvasRenderingContext2D,
  cell: Cell,
  box: CellBox,
  { past, flash, ageMs }: { past: boolean; flash: number; ageMs: number },
): void {
  const rank = tierRank(cell.tier);
  const from = rank === 0 ? 0 : (FILL[rank - 1] ?? 0);
  const grown = 1 - (1 - Math.min(1, ageMs / 300)) ** 3;
  const fill = from + ((FILL[rank] ?? 1) - from) * grown;
  context.fillStyle = '#1d2330';
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, box.height / 2);
  context.fill();
  context.save();
  context.globalAlpha = past ? 0.55 : 1;
  context.shadowColor = TIER_COLOURS[cell.tier];
  context.shadowBlur = flash * 10;
  context.fillStyle = TIER_COLOURS[cell.tier];
  context.beginPath();
  context.roundRect(box.x, box.y, Math.max(box.height, box.width * fill), box.height, box.height / 2);
  context.fill();
  context.restore();
  if (cell.variant === 'fast') drawDashes(context, box);
}

/** Gaps in a full bar. */
function drawDashes(context: CanvasRenderingContext2D, { x, y, width, height }: CellBox): void {
  context.fillStyle = '#0a0c11';
  for (let at = DASH_PX; at < width - DASH_PX; at += DASH_PX + DASH_GAP_PX)
    context.fillRect(x + at, y, DASH_GAP_PX, height);
}

/** Crops the middle of a still to the box and draws it in blocks. */
function drawCoarse(context: CanvasRenderingContext2D, still: HTMLCanvasElement, box: CellBox, blockPx: number): void {
  const across = Math.max(1, Math.round(box.width / blockPx));
  const down = Math.max(1, Math.round(box.height / blockPx));
  const small = scratch.getContext('2d');
  if (!small) return;
  scratch.width = across;
  scratch.height = down;
  const scale = Math.min(still.width / box.width, still.height / box.height);
  const cut = { width: box.width * scale, height: box.height * scale };
  const left = (still.width - cut.width) / 2;
  const top = (still.height - cut.height) / 2;
  small.drawImage(still, left, top, cut.width, cut.height, 0, 0, across, down);
  context.imageSmoothingEnabled = blockPx < SMOOTH_PX;
  context.drawImage(scratch, box.x, box.y, box.width, box.height);
}

function drawMosaic(context: CanvasRenderingContext2D, { tier, revision, slice }: Cell, box: CellBox): void {
  const rank = tierRank(tier);
  context.fillStyle = '#10141d';
  context.fillRect(box.x, box.y, box.width, box.height);
  context.fillStyle = TIER_COLOURS[tier];
  if (rank >= 2) {
    const gradient = context.createLinearGradient(box.x, box.y, box.x + box.width, box.y + box.height);
    gradient.addColorStop(0, `${TIER_COLOURS[tier]}80`);
    gradient.addColorStop(1, `${TIER_COLOURS[tier]}22`);
    context.fillStyle = gradient;
    context.fillRect(box.x, box.y, box.width, box.height);
    return;
  }
  const across = Math.max(1, Math.round(box.width / (BLOCK_PX[rank] ?? 8)));
  const side = box.width / across;
  const down = Math.ceil(box.height / side);
  for (let row = 0; row < down; row++) {
    for (let column = 0; column < across; column++) {
      context.globalAlpha = 0.1 + 0.38 * grain(revision, slice, row * across + column);
      context.fillRect(box.x + column * side, box.y + row * side, side - 0.5, side - 0.5);
    }
  }
  context.globalAlpha = 1;
}

/** A fixed 0 … 1 per block, so that a mosaic does not flicker. */
function grain(revision: number, slice: number, block: number): number {
  let mixed = Math.imul(revision * 7919 + slice * 104_729 + block, 0x9e37_79b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca6b);
  mixed ^= mixed >>> 13;
  return (mixed >>> 0) / 0xffff_ffff;
}
