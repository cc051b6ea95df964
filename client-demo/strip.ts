/**
 * The strip under the picture. Slices appear rough, sharpen in place, and the playhead moves over them. In live mode
 * the strip scrolls; in clip mode it shows the whole clip.
 */
import { drawCell, drawEmpty } from './strip-cell.ts';
import type { CellBox } from './strip-cell.ts';
import { drawPrompt } from './strip-prompt.ts';
import type { Cell } from './cell.ts';
import type { StripModel } from './strip-model.ts';

/** Width of one second in live mode, CSS px: fits a still, and shows what is ahead on a phone. */
const PX_PER_SECOND = 116;
const SECONDS_MIN = 4.4;
/** Position of the playhead in live mode, as a share of the width. */
const PLAYHEAD_AT = 0.64;
const GAP_PX = 3;
const TOP_PX = 7;
const STILL_WIDTH_PX = 160;
const STILLS_MAX = 160;

export class Strip {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #model: StripModel;
  readonly #stills = new Map<string, HTMLCanvasElement>();
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #sliceMs = 667;

  constructor(canvas: HTMLCanvasElement, model: StripModel) {
    const context = canvas.getContext('2d');
    if (!context) throw new Error('this browser has no 2D canvas');
    this.#canvas = canvas;
    this.#context = context;
    this.#model = model;
  }

  /** A new session. @param sliceMs length of one slice */
  reset(sliceMs: number): void {
    this.#sliceMs = sliceMs;
    this.#stills.clear();
  }

  /** Keeps the frame on screen as the still of its slice. */
  keepStill(video: HTMLVideoElement, { revision, slice }: Pick<Cell, 'revision' | 'slice'>): void {
    if (video.videoWidth === 0) return;
    const key = `${revision}:${slice}`;
    const still = this.#stills.get(key) ?? document.createElement('canvas');
    still.width = STILL_WIDTH_PX;
    still.height = Math.round((STILL_WIDTH_PX * video.videoHeight) / video.videoWidth);
    still.getContext('2d')?.drawImage(video, 0, 0, still.width, still.height);
    this.#stills.delete(key);
    this.#stills.set(key, still);
    const [oldest] = this.#stills.keys();
    if (this.#stills.size > STILLS_MAX && oldest !== undefined) this.#stills.delete(oldest);
  }

  /** The strip time under a point of the canvas, ms. */
  timeAt(clientX: number): number {
    const box = this.#canvas.getBoundingClientRect();
    return ((clientX - box.left) / box.width) * (this.#model.clipMs ?? 0);
  }

  draw(nowMs: number): void {
    const { width, height } = this.#fit();
    const playheadMs = this.#model.playheadMs(nowMs);
    const pxPerMs = width / (this.#model.clipMs ?? Math.max(SECONDS_MIN, width / PX_PER_SECOND) * 1000);
    const originMs = this.#model.clipMs === null ? playheadMs - (width * PLAYHEAD_AT) / pxPerMs : 0;
    const place = (startMs: number, durationMs: number): CellBox => ({
      x: (startMs - originMs) * pxPerMs + GAP_PX / 2,
      y: TOP_PX,
      width: Math.max(1, durationMs * pxPerMs - GAP_PX),
      height: height - TOP_PX,
    });
    this.#context.clearRect(0, 0, width, height);
    this.#drawEmpty(place, originMs + width / pxPerMs);
    for (const cell of this.#model.cells) {
      const box = place(cell.startMs, cell.durationMs);
      if (box.x > width || box.x + box.width < 0) continue;
      const still = this.#stills.get(`${cell.revision}:${cell.slice}`);
      const past = this.#model.clipMs === null && cell.startMs + cell.durationMs <= playheadMs;
      const ageMs = this.#calm.matches ? Infinity : nowMs - cell.reachedAtMs;
      drawCell(this.#context, cell, { box, still, past, ageMs });
    }
    for (const { prompt, by, startMs, endMs } of this.#model.promptRuns) {
      const { x, y } = place(startMs, 0);
      drawPrompt(this.#context, by === undefined ? prompt : `${by}: ${prompt}`, {
        x,
        y,
        width: (endMs - startMs) * pxPerMs - GAP_PX,
        height: 0,
      });
    }
    if (this.#model.cells.length > 0) this.#drawPlayhead((playheadMs - originMs) * pxPerMs, height);
  }

  /** Draws the slices still to be made: those of the whole clip, or in live mode those up to the right edge. */
  #drawEmpty(place: (startMs: number, durationMs: number) => CellBox, rightMs: number): void {
    const { clipMs, endMs } = this.#model;
    const count = clipMs === null ? Math.ceil((rightMs - endMs) / this.#sliceMs) : Math.round(clipMs / this.#sliceMs);
    const firstMs = clipMs === null ? endMs : 0;
    for (let slice = 0; slice < count; slice++) {
      drawEmpty(this.#context, place(firstMs + slice * this.#sliceMs, this.#sliceMs));
    }
  }

  #drawPlayhead(x: number, height: number): void {
    const context = this.#context;
    context.save();
    context.shadowColor = '#ffffff';
    context.shadowBlur = 8;
    context.fillStyle = '#ffffff';
    context.beginPath();
    context.roundRect(x - 1, 3, 2, height - 3, 1);
    context.arc(x, 4, 4, 0, Math.PI * 2);
    context.fill();
    context.restore();
  }

  /** Resizes the canvas to its box at the screen's pixel density. @returns the box, CSS px */
  #fit(): { width: number; height: number } {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio;
    const pixels = { width: Math.round(width * scale), height: Math.round(height * scale) };
    if (this.#canvas.width !== pixels.width || this.#canvas.height !== pixels.height)
      Object.assign(this.#canvas, pixels);
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
    return { width, height };
  }
}
