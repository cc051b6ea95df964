/**
 * Whether a picture with little motion is better sent less often: the same bits for every frame, for each second, and for
 * each third one, and at every instant of the full rate what is on screen against what should be. `node bench/quality/motion.ts`
 */
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import { decode } from '../support/pictures/decode.ts';
import { lowestPsnrDb } from '../support/pictures/psnr.ts';
import { MovingTexture } from '../moving-texture.ts';
import { textTable } from '../report.ts';

const SIDE_PX = 256;
const FPS = 24;
const FRAMES = 5 * FPS;
/** What the rate control needs to settle, and the keyframe to be paid for. */
const SETTLE_FRAMES = FPS;

/** One textured picture that moves by so many pixels a frame. */
function slide(pixelsPerFrame: number): I420Frame[] {
  const still = new MovingTexture({ widthPx: SIDE_PX, heightPx: SIDE_PX, seed: 3 }).frame(0);
  return Array.from({ length: FRAMES }, (_, index) => {
    const data = new Uint8Array(still.data.length);
    let from = 0;
    for (const [side, scale] of [
      [SIDE_PX, 1],
      [SIDE_PX / 2, 2],
      [SIDE_PX / 2, 2],
    ] as const) {
      const shift = (index * pixelsPerFrame) / scale;
      const [whole, part] = [Math.floor(shift), shift % 1];
      for (let at = 0; at < side * side; at++) {
        const row = from + at - (at % side);
        const sample = (x: number): number => still.data[row + (x % side)] ?? 0;
        const x = (at % side) + whole;
        data[from + at] = Math.round(sample(x) * (1 - part) + sample(x + 1) * part);
      }
      from += side * side;
    }
    return { ...still, data };
  });
}

async function qualityDb(
  frames: readonly I420Frame[],
  every: number,
  bitrateBps: number,
): Promise<{ db: number; bps: number }> {
  const createEncoder = encoderFactory('auto');
  const size = { widthPx: SIDE_PX, heightPx: SIDE_PX };
  await using encoder = await createEncoder({ codec: 'VP8', ...size, fps: FPS / every, bitrateBps });
  const units = [];
  for (let index = 0; index < FRAMES; index += every)
    units.push(
      await encoder.encode(frames[index]!, { keyframe: index === 0, bitrateBps, durationMs: (every * 1_000) / FPS }),
    );
  const shown = await decode('VP8', units);
  let sum = 0;
  for (let index = SETTLE_FRAMES; index < FRAMES; index++)
    sum += lowestPsnrDb(frames[index]!, shown[Math.floor(index / every)]!);
  const bytes = units.slice(SETTLE_FRAMES / every).reduce((total, { data }) => total + data.length, 0);
  return { db: sum / (FRAMES - SETTLE_FRAMES), bps: (bytes * 8 * FPS) / (FRAMES - SETTLE_FRAMES) };
}

const rows: string[][] = [['pixels a frame', 'kbps', ...[24, 12, 8].map((fps) => `${fps} fps, dB (kbps)`)]];
for (const pixels of [0.02, 0.1, 0.25, 0.5, 1]) {
  const frames = slide(pixels);
  for (const bitrateBps of [60_000, 150_000, 400_000]) {
    const cells = [];
    for (const every of [1, 2, 3]) {
      const { db, bps } = await qualityDb(frames, every, bitrateBps);
      cells.push(`${db.toFixed(2)} (${Math.round(bps / 1_000)})`);
    }
    rows.push([String(pixels), String(bitrateBps / 1_000), ...cells]);
  }
}
process.stdout.write(`${textTable(rows)}\n`);
