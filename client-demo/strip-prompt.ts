/** Draws a prompt's text over the slices made from it, as far as it fits. */
import type { CellBox } from './strip-cell.ts';

const FONT = '11px system-ui, sans-serif';
const PAD_PX = 6;
const HEIGHT_PX = 18;
const MARGIN_PX = 4;
const RADIUS_PX = 5;
/** Minimum width for any text. */
const ROOM_MIN_PX = 36;

/** @param run the stretch of the strip with this prompt; its text stays visible while any of the stretch is */
export function drawPrompt(context: CanvasRenderingContext2D, prompt: string, run: CellBox): void {
  const left = Math.max(run.x, 0) + MARGIN_PX;
  const room = run.x + run.width - MARGIN_PX - left;
  if (room < ROOM_MIN_PX) return;
  context.save();
  context.font = FONT;
  const words = fit(context, prompt, room - 2 * PAD_PX);
  const width = context.measureText(words).width + 2 * PAD_PX;
  context.fillStyle = 'rgb(10 12 17 / 72%)';
  context.beginPath();
  context.roundRect(left, run.y + MARGIN_PX, width, HEIGHT_PX, RADIUS_PX);
  context.fill();
  context.fillStyle = '#e8ebf4';
  context.textBaseline = 'middle';
  context.fillText(words, left + PAD_PX, run.y + MARGIN_PX + HEIGHT_PX / 2 + 0.5);
  context.restore();
}

/** The text, truncated to fit. */
function fit(context: CanvasRenderingContext2D, text: string, roomPx: number): string {
  if (context.measureText(text).width <= roomPx) return text;
  const letters = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
  let low = 0;
  let high = letters.length;
  const shortened = (count: number): string => `${letters.slice(0, count).join('').trimEnd()}…`;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (context.measureText(shortened(middle)).width <= roomPx) low = middle;
    else high = middle - 1;
  }
  return shortened(low);
}
