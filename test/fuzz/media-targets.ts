/** What reads pictures and videos of others: uploads of viewers, and the pictures of a ComfyUI server. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GlimpseError } from '../../src/errors.ts';
import { mediaTypeOf, readInputMedia } from '../../src/media/decode/input-media.ts';
import { LibavImageDecoder } from '../../src/media/decode/libav-image-decoder.ts';
import { LIMITS } from '../../src/limits.ts';
import { loadUploadCodecs, rewriteUpload } from '../../src/media/upload/libav-rewrite.ts';
import { orientationOf, orientationOfMatrix } from '../../src/media/upload/orientation.ts';
import { jpegTurned, pngTurned, webpTurned } from '../support/exif.ts';
import { loadLibav } from '../../src/media/libav-loader.ts';
import type { FuzzTarget } from './target.ts';

const [png, jpeg, webp, mp4] = ['small.png', 'small.jpg', 'small.webp', 'small.mp4'].map((name) =>
  readFileSync(join(import.meta.dirname, '../fixtures/uploads', name)),
) as [Buffer, Buffer, Buffer, Buffer];
const never = new AbortController().signal;
const SIDE_PX = 32;

export async function mediaTargets(): Promise<FuzzTarget[]> {
  const { lib, constants } = await loadLibav();
  // FFmpeg has a word for each of thousands of bad pictures.
  lib.Log.setLevel(constants.AV_LOG_QUIET);
  const decoder = await LibavImageDecoder.open();
  const codecs = await loadUploadCodecs();
  return [
    {
      // A process an input: thousands of times slower than the parsers, and so tried with fewer.
      name: 'upload',
      seeds: [png, jpeg, webp, mp4],
      costly: true,
      run: async (input) => {
        const media = await readInputMedia(input, { signal: never, programs: ['ffmpeg'] }).catch((error: unknown) => {
          const code = error instanceof GlimpseError ? error.code : undefined;
          if (code !== 'INPUT_INVALID' && code !== 'INPUT_TOO_LARGE') throw error;
        });
        if (media && mediaTypeOf(media.data) !== media.mediaType)
          throw new Error(`what is called ${media.mediaType} is none`);
      },
    },
    {
      // What the service runs in a process of its own, here without one: what kills it ends the run.
      name: 'upload-libav',
      seeds: [png, jpeg, webp, mp4],
      costly: true,
      run: async (input) => {
        const type = mediaTypeOf(input);
        if (!type) return;
        const folder = mkdtempSync(join(tmpdir(), 'glimpse-fuzz-'));
        try {
          const [from, to] = [join(folder, 'upload'), join(folder, type === 'video/mp4' ? 'input.mp4' : 'input.png')];
          writeFileSync(from, input);
          await rewriteUpload({ from, to, type, orientation: orientationOf(input, type) }, codecs);
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      },
    },
    {
      name: 'orientation',
      seeds: [jpegTurned(jpeg, 6, 'II'), jpegTurned(jpeg, 8), pngTurned(png, 3), webpTurned(webp, 5, 16, 16)],
      run: (input) => {
        for (const type of LIMITS.inputTypes) {
          const orientation = orientationOf(input, type);
          if (!(orientation >= 1 && orientation <= 8)) throw new Error(`an orientation of ${orientation}`);
        }
        orientationOfMatrix(input);
      },
    },
    {
      name: 'server-picture',
      seeds: [png, jpeg],
      run: (input) => {
        const format = input[0] === 0xff ? 'jpeg' : 'png';
        try {
          const { data } = decoder.decode(input, format, SIDE_PX, SIDE_PX);
          if (data.length !== SIDE_PX * SIDE_PX * 1.5) throw new Error(`a frame of ${data.length} bytes`);
        } catch (error) {
          if (!(error instanceof GlimpseError) || error.code !== 'GENERATOR_DOWN') throw error;
        }
      },
    },
  ];
}
