import { access, mkdtemp, open, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MovingTexture } from '../../bench/moving-texture.ts';
import { exportMp4, writeJpeg, writePng } from '../../src/media/files/export.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import { loadLibav } from '../../src/media/libav-loader.ts';
import { isWhole } from '../../src/media/files/whole-file.ts';
import { lowestPsnrDb } from '../../bench/support/pictures/psnr.ts';

const SIZE = { widthPx: 64, heightPx: 48 };
const texture = new MovingTexture({ ...SIZE, seed: 3 });
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'glimpse-export-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a file that was cut off, as a full disk leaves it', () => {
  it.each(['clip.mp4', 'picture.png', 'picture.jpg'])('is not taken for a whole one: %s', async (name) => {
    const path = join(directory, name);
    if (name.endsWith('mp4')) await exportMp4({ frames: frames(4), ...SIZE, fps: 12, path });
    else await (name.endsWith('png') ? writePng : writeJpeg)(texture.frame(0), path);
    expect(await isWhole(path)).toBe(true);
    const { size } = await stat(path);
    for (const kept of [size - 1, Math.floor(size / 2), 40, 8, 1, 0]) {
      await truncate(path, kept);
      expect(await isWhole(path), `${kept} of ${size} bytes`).toBe(false);
    }
  });
});

describe('exportMp4', () => {
  it('writes every frame, in order, with the index in front', async () => {
    const path = join(directory, 'clip.mp4');
    const progress: number[] = [];
    await exportMp4({ frames: frames(24), ...SIZE, fps: 12, path, onProgress: (count) => progress.push(count) });
    const pictures = await readVideo(path);
    expect(pictures).toHaveLength(24);
    for (const [i, picture] of pictures.entries()) expect(lowestPsnrDb(picture, texture.frame(i))).toBeGreaterThan(32);
    const file = await readFile(path);
    expect(file.indexOf('moov')).toBeLessThan(file.indexOf('mdat'));
    expect(progress.at(-1)).toBe(24);
    expect(await readdir(directory)).toEqual(['clip.mp4']);
  });

  it('is not written to by the ffmpeg of a process that was killed', async () => {
    const path = join(directory, 'clip.mp4');
    await using orphan = await open(`${path}.partial`, 'w');
    const done = new AbortController();
    const orphaned = (async () => {
      while (!done.signal.aborted) await orphan.write('left over', 1_000_000);
    })();
    await exportMp4({ frames: frames(8), ...SIZE, fps: 12, path }).finally(() => done.abort());
    await orphaned;
    expect(await readVideo(path)).toHaveLength(8);
    expect(await readdir(directory)).toEqual(['clip.mp4']);
  });

  it('scales to the display size', async () => {
    const path = join(directory, 'clip.mp4');
    await exportMp4({ frames: frames(2), ...SIZE, fps: 12, path, display: { widthPx: 128, heightPx: 96 } });
    expect((await readVideo(path))[0]).toMatchObject({ widthPx: 128, heightPx: 96 });
  });

  it('leaves nothing behind when aborted', async () => {
    const controller = new AbortController();
    const path = join(directory, 'clip.mp4');
    const onProgress = (count: number): void => {
      if (count === 5) controller.abort();
    };
    const written = exportMp4({ frames: frames(1000), ...SIZE, fps: 12, path, signal: controller.signal, onProgress });
    await expect(written).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await readdir(directory)).toEqual([]);
  });

  it('leaves nothing behind when the frames fail', async () => {
    const failing = (async function* () {
      yield texture.frame(0);
      throw new Error('no more');
    })();
    const path = join(directory, 'clip.mp4');
    await expect(exportMp4({ frames: failing, ...SIZE, fps: 12, path })).rejects.toThrow('no more');
    expect(await readdir(directory)).toEqual([]);
  });

  it('says so when the file cannot be written', async () => {
    const path = join(directory, 'missing', 'clip.mp4');
    await expect(exportMp4({ frames: frames(3), ...SIZE, fps: 12, path })).rejects.toMatchObject({
      code: 'PARAMETER_INVALID',
    });
    await expect(access(path)).rejects.toThrow('ENOENT');
  });
});

describe('writePng', () => {
  it('writes the picture in its colours', async () => {
    const data = new Uint8Array((16 * 16 * 3) / 2);
    data.fill(81, 0, 256).fill(90, 256, 320).fill(240, 320);
    const path = join(directory, 'red.png');
    await writePng({ widthPx: 16, heightPx: 16, data }, path);
    const png = await readFile(path);
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    const [, red, green, blue] = inflateSync(chunk(png, 'IDAT'));
    expect(red).toBeGreaterThan(245);
    expect(Math.max(green!, blue!)).toBeLessThan(10);
  });
});

async function* frames(count: number): AsyncGenerator<I420Frame> {
  for (let i = 0; i < count; i += 1) yield texture.frame(i);
}

function chunk(png: Buffer, type: string): Buffer {
  const at = png.indexOf(type);
  return png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4));
}

async function readVideo(path: string): Promise<I420Frame[]> {
  await loadLibav();
  const { Decoder, Demuxer } = await import('node-av/api');
  await using demuxer = await Demuxer.open(path);
  const stream = demuxer.video();
  if (!stream) throw new Error('no video in the file');
  using decoder = await Decoder.create(stream);
  const pictures: I420Frame[] = [];
  for await (const picture of decoder.frames(demuxer.packets(stream.index))) {
    if (picture === null) continue;
    pictures.push({ widthPx: picture.width, heightPx: picture.height, data: new Uint8Array(picture.toBuffer()) });
    picture.free();
  }
  return pictures;
}
