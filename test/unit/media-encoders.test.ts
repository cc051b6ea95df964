import { describe, expect, it, vi } from 'vitest';
import { encoderBackends, encoderFactory } from '../../src/media/encode/encoders.ts';
import { FfmpegEncoder } from '../../src/media/encode/ffmpeg-encoder.ts';

vi.mock('node-av/lib', () => {
  throw new Error('no native binding for this machine');
});

const settings = { codec: 'VP8', widthPx: 64, heightPx: 64, fps: 12, bitrateBps: 100_000 } as const;

describe('on a machine where node-av does not load', () => {
  it('says so', async () => {
    expect(await encoderBackends()).toEqual([
      { name: 'libav', loads: false },
      { name: 'ffmpeg', loads: true },
    ]);
  });

  it('takes the ffmpeg child by itself', async () => {
    await using encoder = await encoderFactory('auto')(settings);
    expect(encoder).toBeInstanceOf(FfmpegEncoder);
  });

  it('fails with ENCODER_FAILED when libav is asked for by name', async () => {
    await expect(encoderFactory('libav')(settings)).rejects.toMatchObject({ code: 'ENCODER_FAILED' });
  });
});
