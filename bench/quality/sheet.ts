/**
 * The sheet: a strip for each prompt, the tiers side by side, each at the same size, and a page that shows the strips
 * with their prompts. Pictures first, words below, so that a reader can judge before being told.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Rendition } from '../../src/generation/generator.ts';
import { writeJpeg } from '../../src/media/files/export.ts';
import { type I420Frame, i420Bytes } from '../../src/picture/frame.ts';
import { scaleI420 } from '../../src/media/encode/scale.ts';
import type { HeldOutPrompt } from './prompts.ts';

/** A tile of the strip: larger than refined frames, so that what upscaling adds shows; a strip stays under 100 kB. */
const TILE_PX = 384;
const STRIPS = 12;

export class Sheet {
  readonly #directory: string;
  readonly #pack: string;
  readonly #entries: { file: string; text: string; tiers: string[] }[] = [];

  constructor(directory: string, pack: string) {
    this.#directory = directory;
    this.#pack = pack;
  }

  /** The middle frame of each tier. Prompts beyond the sheet's length are left out. */
  async add({ text }: HeldOutPrompt, renditions: readonly Rendition[]): Promise<void> {
    if (this.#entries.length >= STRIPS) return;
    await mkdir(this.#directory, { recursive: true });
    const frames = renditions.map(({ frames }) => frames[frames.length >> 1]).filter((frame) => frame !== undefined);
    const file = `${this.#pack}-${String(this.#entries.length + 1).padStart(2, '0')}.jpg`;
    await writeJpeg(sideBySide(frames), join(this.#directory, file));
    this.#entries.push({ file, text, tiers: renditions.map(({ tier }) => tier) });
  }

  /** Writes `PACK.md` beside the strips. */
  async finish(): Promise<void> {
    const [first] = this.#entries;
    if (!first) return;
    const lines = this.#entries.map(({ file, text }) => `![${text}](${file})\n\n${text}\n`);
    const page = `# What does ${this.#pack} draw?\n\nHeld-out prompts, first slice, middle frame; from left to right ${first.tiers.join(', ')}.\nMade by \`npm run bench -- quality --sheet docs/model\`.\n\n${lines.join('\n')}`;
    await writeFile(join(this.#directory, `${this.#pack}.md`), page);
  }
}

function sideBySide(frames: readonly I420Frame[]): I420Frame {
  const widthPx = TILE_PX * frames.length;
  const data = new Uint8Array(i420Bytes(widthPx, TILE_PX));
  const tiles = frames.map((frame) => scaleI420(frame, TILE_PX, TILE_PX).data);
  let from = 0;
  let to = 0;
  for (const side of [TILE_PX, TILE_PX / 2, TILE_PX / 2]) {
    for (const [column, tile] of tiles.entries())
      for (let y = 0; y < side; y++)
        data.set(tile.subarray(from + y * side, from + (y + 1) * side), to + (y * frames.length + column) * side);
    from += side * side;
    to += side * side * frames.length;
  }
  return { widthPx, heightPx: TILE_PX, data };
}
