/**
 * Decodes PNG and JPEG pictures to I420 with the ffmpeg program, one process per picture. A fallback where node-av does
 * not load: ten times slower than in-process.
 */
import { spawn } from 'node:child_process';
import { GlimpseError } from '../../errors.ts';
import { NO_ENVIRONMENT, ffmpegArguments, ffmpegBinary, QUIET, type FfmpegOptions } from '../ffmpeg-binary.ts';
import { i420Bytes, type I420Frame } from '../../picture/frame.ts';
import { type ImageFormat, PIXELS_MAX } from './libav-image-decoder.ts';
import { storedPng } from './stored-png.ts';

const TIMEOUT_MS = 10_000;

export class FfmpegImageDecoder {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws GlimpseError GENERATOR_DOWN when the ffmpeg program is missing too */
  static async open(): Promise<FfmpegImageDecoder> {
    const binary = await ffmpegBinary();
    if (binary) return new FfmpegImageDecoder(binary.path);
    throw new GlimpseError('GENERATOR_DOWN', {
      message: 'Pictures cannot be decoded: neither node-av nor ffmpeg loads. Install the packages again: npm ci.',
    });
  }

  /** @throws GlimpseError GENERATOR_DOWN when the bytes are not a picture of that format */
  async decode(image: Uint8Array, format: ImageFormat, widthPx: number, heightPx: number): Promise<I420Frame> {
    const isWhole = format !== 'png' || storedPng(image, PIXELS_MAX) !== undefined;
    if (!isWhole) throw new GlimpseError('GENERATOR_DOWN', { message: 'A PNG picture is cut off or too large.' });
    const source: FfmpegOptions = { ...QUIET, xerror: true, max_pixels: PIXELS_MAX, f: `${format}_pipe`, i: 'pipe:0' };
    const scale = `scale=${widthPx}:${heightPx}:flags=area:out_color_matrix=bt601:out_range=tv`;
    const result: FfmpegOptions = { 'frames:v': 1, vf: scale, pix_fmt: 'yuv420p', f: 'rawvideo' };
    const child = spawn(this.#path, [...ffmpegArguments(source), ...ffmpegArguments(result), 'pipe:1'], {
      env: NO_ENVIRONMENT,
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: TIMEOUT_MS,
      windowsHide: true,
    });
    // ffmpeg may stop reading an invalid picture; the output length shows the failure.
    child.stdin.on('error', () => {}).end(image);
    const data = new Uint8Array(i420Bytes(widthPx, heightPx));
    let length = 0;
    for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
      data.set(chunk.subarray(0, data.length - length), length);
      length += chunk.length;
    }
    if (length === data.length) return { widthPx, heightPx, data };
    throw new GlimpseError('GENERATOR_DOWN', { message: `A ${format} picture cannot be decoded.` });
  }

  /** Has nothing to release. */
  close(): void {}
}
