/**
 * One ffmpeg process that encodes: raw pictures in IVF go in, and one access unit for each comes out. The time stamp
 * has two uses: the frame's duration tells libvpx its bit budget, and an odd stamp requests a keyframe.
 *
 * Found by testing: `-fflags nobuffer` loses the first frame, and `-avioflags direct` shifts the picture.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { systemClock, type Timer } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { CODEC_OPTIONS, GOP_FRAMES, h264Level, VP8_BUFFER_S, X264_BUFFER_FRAMES } from './codec-options.ts';
import type { EncoderSettings } from './encoder.ts';
import { NO_ENVIRONMENT, COLOUR_TAGS, ffmpegArguments, type FfmpegOptions, QUIET } from '../ffmpeg-binary.ts';
import { FlvReader } from './flv.ts';
import { i420Bytes } from '../../picture/frame.ts';
import { ivfFrameHeader, ivfHeader, IvfReader } from './ivf.ts';

/** Unit of the child's time stamps; the lowest bit is the keyframe request. */
const STAMP_HZ = 90_000;
/** Unit of the callers' time: the rest of the stamp. */
export const CHILD_TICKS_HZ = STAMP_HZ / 2;
/** Characters kept of ffmpeg's standard error, enough to see why it died. */
const STDERR_KEPT_CHARS = 2_000;
/** A picture takes milliseconds: a child silent for this long hangs, and is killed. */
const SILENCE_MAX_MS = 2_000;
/** The first picture also waits for the process to start. */
const FIRST_SILENCE_MAX_MS = 10_000;
/** In its first seconds x264 spends a twentieth less than its rate, and a child lives for seconds. */
const X264_OPEN_SHARE = 1.05;

export interface EncodedPicture {
  data: Uint8Array;
  keyframe: boolean;
}

interface PendingPicture {
  resolve(picture: EncodedPicture): void;
  reject(error: GlimpseError): void;
}

export class FfmpegChild {
  /** Undefined when the process did not start. */
  readonly pid: number | undefined;
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #read: (chunk: Uint8Array) => EncodedPicture[];
  readonly #pending: PendingPicture[] = [];
  /** Resolves when the process has ended in any way. */
  readonly gone: Promise<void>;
  #error: GlimpseError | undefined;
  #stderr = '';
  /** Runs while a picture is pending. */
  #silence: Timer | undefined;
  #silenceMaxMs = FIRST_SILENCE_MAX_MS;

  constructor(binaryPath: string, settings: EncoderSettings) {
    this.#read = pictureReader(settings);
    this.#process = spawn(binaryPath, childArguments(settings), {
      env: NO_ENVIRONMENT,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    this.pid = this.#process.pid;
    this.#process.stdout.on('data', (chunk: Uint8Array) => this.#deliver(chunk));
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT_CHARS);
    });
    // A dead child first shows as EPIPE here; the exit that follows has the reason.
    this.#process.stdin.on('error', () => {});
    this.gone = new Promise((resolve) => {
      this.#process.once('error', (cause) => {
        this.#fail(new GlimpseError('ENCODER_FAILED', { message: 'ffmpeg could not be started.', cause }));
        resolve();
      });
      this.#process.once('close', (exitCode, signal) => {
        const details = { exitCode, signal, stderr: this.#stderr };
        this.#fail(new GlimpseError('ENCODER_FAILED', { message: 'ffmpeg has ended.', details }));
        resolve();
      });
    });
    this.#process.stdin.write(ivfHeader({ ...settings, fourcc: 'I420', ticksHz: STAMP_HZ }));
  }

  /** Feeds one I420 picture of the child's size; it must not change before the promise settles. */
  push(picture: Uint8Array, { ptsTicks, keyframe }: { ptsTicks: number; keyframe: boolean }): Promise<EncodedPicture> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const { promise, resolve, reject } = Promise.withResolvers<EncodedPicture>();
    this.#pending.push({ resolve, reject });
    if (this.#pending.length === 1) this.#watch();
    this.#process.stdin.write(ivfFrameHeader(picture.length, ptsTicks * 2 + (keyframe ? 1 : 0)));
    this.#process.stdin.write(picture);
    return promise;
  }

  /** Lets the child encode its pending pictures, then ends it. */
  async finish(): Promise<void> {
    this.#process.stdin.end();
    await this.gone;
  }

  /** Ends the child now; pending pictures reject with ENCODER_CLOSED. Idempotent; resolves when the process is gone. */
  async close(): Promise<void> {
    this.#fail(new GlimpseError('ENCODER_CLOSED'));
    this.#process.kill('SIGKILL');
    await this.gone;
  }

  #deliver(chunk: Uint8Array): void {
    for (const picture of this.#read(chunk)) {
      this.#pending.shift()?.resolve(picture);
      this.#silenceMaxMs = SILENCE_MAX_MS;
      this.#watch();
    }
  }

  /** A stopped or hung process neither answers nor ends: it is killed, and the next frame opens another. */
  #watch(): void {
    this.#silence?.close();
    if (this.#pending.length === 0) return;
    const silenceMs = this.#silenceMaxMs;
    this.#silence = systemClock.after(silenceMs, () => {
      const message = 'ffmpeg stands still.';
      this.#fail(new GlimpseError('ENCODER_FAILED', { message, details: { silenceMs } }));
      this.#process.kill('SIGKILL');
    });
  }

  #fail(error: GlimpseError): void {
    this.#error ??= error;
    this.#silence?.close();
    for (const pending of this.#pending.splice(0)) pending.reject(this.#error);
  }
}

/** The first bit of a VP8 frame marks a keyframe (RFC 6386, 9.1); for H.264 the container has a flag. */
function pictureReader({ codec }: EncoderSettings): (chunk: Uint8Array) => EncodedPicture[] {
  if (codec === 'H264') {
    const reader = new FlvReader();
    return (chunk) => reader.push(chunk);
  }
  const reader = new IvfReader();
  return (chunk) => reader.push(chunk).map((data) => ({ data, keyframe: ((data[0] ?? 1) & 1) === 0 }));
}

function childArguments(settings: EncoderSettings): string[] {
  const { codec, widthPx, heightPx } = settings;
  const input: FfmpegOptions = {
    // Starts with the first picture, without waiting for more to guess a frame rate.
    probesize: i420Bytes(widthPx, heightPx),
    analyzeduration: 0,
    fpsprobesize: 0,
    f: 'ivf',
    i: 'pipe:0',
  };
  const timing: FfmpegOptions = {
    vsync: 'passthrough',
    copyts: true,
    enc_time_base: `1:${STAMP_HZ}`,
    force_key_frames: `expr:eq(mod(round(t*${STAMP_HZ}),2),1)`,
  };
  const codecOptions = codec === 'VP8' ? vp8Options(settings) : h264Options(settings);
  return [
    ...ffmpegArguments({ ...QUIET, ...input }),
    ...ffmpegArguments({ ...timing, threads: 1, g: GOP_FRAMES, ...CODEC_OPTIONS[codec], ...codecOptions }),
    ...ffmpegArguments({ flush_packets: 1 }),
    'pipe:1',
  ];
}

function vp8Options({ bitrateBps }: EncoderSettings): FfmpegOptions {
  const rate = Math.round(bitrateBps);
  const buffer = Math.round(bitrateBps * VP8_BUFFER_S);
  return { 'c:v': 'libvpx', 'b:v': rate, minrate: rate, maxrate: rate, bufsize: buffer, f: 'ivf' };
}

function h264Options(settings: EncoderSettings): FfmpegOptions {
  const { fps } = settings;
  const rate = Math.round(settings.bitrateBps * X264_OPEN_SHARE);
  return {
    'c:v': 'libx264',
    'b:v': rate,
    maxrate: rate,
    bufsize: Math.round((rate / fps) * X264_BUFFER_FRAMES),
    level: h264Level(settings),
    ...(settings.nalMaxBytes === undefined ? {} : { 'slice-max-size': settings.nalMaxBytes }),
    // Otherwise x264 takes the unit of the time stamps as the frame rate.
    'x264-params': `fps=${Math.round(fps)}`,
    ...COLOUR_TAGS,
    f: 'flv',
  };
}
