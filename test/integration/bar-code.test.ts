/** The frame number must outlive what a network does to a picture: a real VP8 at starvation bitrate, and scaling. */
import { spawnSync } from 'node:child_process';
import ffmpeg from '@ffmpeg-installer/ffmpeg';
import { describe, expect, it } from 'vitest';
import { PatternGenerator, readBarCode } from '../../src/generation/pattern/pattern.ts';
import { i420Bytes } from '../../src/picture/frame.ts';
import { collect } from '../support/collect.ts';

const SIZE = { widthPx: 640, heightPx: 360 };
const FRAMES = 24;

function convert(input: Uint8Array, ...args: string[]): Uint8Array {
  const { stdout, status, stderr } = spawnSync(ffmpeg.path, ['-v', 'error', ...args, '-'], {
    input,
    maxBuffer: 2 ** 28,
  });
  expect(stderr.toString()).toBe('');
  expect(status).toBe(0);
  return stdout;
}

describe('bar code', () => {
  it.each(['640x360', '320x180', '128x72', '854x480'])('survives VP8 at 60 kbps, shown at %s', async (shown) => {
    const generator = new PatternGenerator({ ...SIZE, fps: 30, sliceFrames: FRAMES });
    const job = { revision: 0, slice: 100, prompt: '', seed: 4, startMs: 0 } as const;
    const tier = 'refined';
    const { signal } = new AbortController();
    const [rendition] = await collect(generator.generate({ ...job, startAtTier: tier, stopAtTier: tier }, { signal }));
    const raw = Buffer.concat(rendition?.frames.map(({ data }) => data) ?? []);
    const size = `${SIZE.widthPx}x${SIZE.heightPx}`;
    const vp8 = convert(
      raw,
      ...`-f rawvideo -pix_fmt yuv420p -s ${size} -r 30 -i -`.split(' '),
      ...'-c:v libvpx -deadline realtime -cpu-used 8 -b:v 60k -f ivf'.split(' '),
    );
    const pictures = convert(
      vp8,
      '-i',
      '-',
      '-vf',
      `scale=${shown}`,
      '-f',
      'rawvideo',
      '-pix_fmt',
      'yuv420p',
      '-vsync',
      '0',
    );
    const [widthPx = 0, heightPx = 0] = shown.split('x').map(Number);
    const bytes = i420Bytes(widthPx, heightPx);
    const numbers = Array.from({ length: pictures.length / bytes }, (_, index) =>
      readBarCode(pictures.subarray(index * bytes), widthPx, heightPx),
    );
    expect(numbers).toEqual(Array.from({ length: FRAMES }, (_, index) => 100 * FRAMES + index));
  });
});
