import { describe, expect, it } from 'vitest';
import type { I420Frame } from '../../src/picture/frame.ts';
import { ImageDecoder } from '../../src/media/decode/image-decoder.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { KINDS_SIZE, PNG_KINDS } from '../support/png-kinds.ts';
import { encodePng, pngChunk } from '../../bench/support/pictures/png.ts';

const SIZE = { widthPx: 64, heightPx: 32 };

/** Y, U and V in the middle of a picture. */
function middleOf({ widthPx, heightPx, data }: I420Frame): number[] {
  const luma = widthPx * heightPx;
  const at = (start: number, width: number, height: number): number =>
    data[start + (height / 2) * width + width / 2] ?? 0;
  const [chromaWidth, chromaHeight] = [widthPx / 2, heightPx / 2];
  return [at(0, widthPx, heightPx), at(luma, chromaWidth, chromaHeight), at(luma * 1.25, chromaWidth, chromaHeight)];
}

/** The last half of what its IDAT chunk holds is gone. */
function withHalfItsData(png: Uint8Array): Uint8Array {
  const bytes = Buffer.from(png);
  const at = bytes.indexOf('IDAT') + 4;
  const data = bytes.subarray(at, at + bytes.readUInt32BE(at - 8));
  return Buffer.concat([
    bytes.subarray(0, at - 8),
    pngChunk('IDAT', data.subarray(0, data.length / 2)),
    pngChunk('IEND', new Uint8Array(0)),
  ]);
}

/** BT.601, limited range. */
const YUV_OF_RED = [81, 90, 240];

describe.each(['auto', 'ffmpeg'] as const)('ImageDecoder (%s)', (program) => {
  it('turns PNG into I420 of BT.601 and limited range, in order, and scales to the size that is wanted', async () => {
    const before = takeHoldings();
    {
      await using decoder = new ImageDecoder({ program });
      const red = encodePng(64, 32, () => [255, 0, 0]);
      const large = encodePng(128, 64, () => [255, 0, 0]);
      const grey = encodePng(64, 32, () => [128, 128, 128]);
      const frames = await Promise.all(
        [red, large, grey].map((image) => decoder.decode(image, { format: 'png', ...SIZE })),
      );
      for (const frame of frames) expect(frame).toMatchObject({ ...SIZE, data: { length: 64 * 32 * 1.5 } });
      for (const frame of frames.slice(0, 2))
        middleOf(frame).forEach((value, plane) => expect(Math.abs(value - (YUV_OF_RED[plane] ?? 0))).toBeLessThan(3));
      const [y = 0, u, v] = middleOf(frames[2] as I420Frame);
      expect([u, v]).toEqual([128, 128]);
      expect(Math.abs(y - 126)).toBeLessThan(2);
    }
    await expectNoLeaks(before);
  });

  it('decodes each picture for itself, whatever came before', async () => {
    await using decoder = new ImageDecoder({ program });
    const picture = encodePng(64, 32, (x, y) => [x * 2, y * 4, 80]);
    const options = { format: 'png', ...SIZE } as const;
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => decoder.decode(picture, options)));
    for (const other of others) expect(Buffer.from(other.data).equals(Buffer.from(first?.data ?? []))).toBe(true);
  });

  it.each(PNG_KINDS)('shows a PNG that is $what', async ({ png }) => {
    await using decoder = new ImageDecoder({ program });
    const frame = await decoder.decode(png, { format: 'png', ...KINDS_SIZE });
    middleOf(frame).forEach((value, plane) => expect(Math.abs(value - (YUV_OF_RED[plane] ?? 0))).toBeLessThan(3));
  });

  it('moves the bytes that are handed over, and leaves those alone that share their memory', async () => {
    await using decoder = new ImageDecoder({ program });
    const handedOver = { format: 'png', ...SIZE, handOver: true } as const;
    const png = encodePng(64, 32, () => [255, 0, 0]);
    const shared = Buffer.concat([png, new Uint8Array(1)]).subarray(0, -1);
    const pooled = Buffer.from(png);
    const own = new Uint8Array(png);
    const frames = await Promise.all([shared, pooled, own].map((image) => decoder.decode(image, handedOver)));
    for (const frame of frames) expect(middleOf(frame)).toEqual(middleOf(frames[0] as I420Frame));
    expect([shared, pooled].every((image) => image.equals(png))).toBe(true);
    expect(own).toHaveLength(0);
  });

  it('refuses what is no picture, or a gigantic one, and goes on', async () => {
    await using decoder = new ImageDecoder({ program });
    const png = encodePng(64, 32, () => [0, 0, 0]);
    const cut = png.subarray(0, 40);
    // FFmpeg alone takes these for whole and fills them with what its memory holds.
    const halves = PNG_KINDS.map((kind) => withHalfItsData(kind.png));
    const gigantic = new Uint8Array(png);
    new DataView(gigantic.buffer).setUint32(16, 60_000);
    new DataView(gigantic.buffer).setUint32(20, 60_000);
    for (const image of [cut, gigantic, ...halves, new Uint8Array(10), new Uint8Array(0)])
      await expect(decoder.decode(image, { format: 'png', ...SIZE })).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    expect(await decoder.decode(png, { format: 'png', ...SIZE })).toMatchObject(SIZE);
    expect(decoder.pending).toBe(0);
  });
});
