/**
 * The default encoder: libvpx or x264 in this process through node-av, one frame in and one access unit out. A frame
 * takes 0.7 ms at 256×256 and 5 to 7 ms at 1280×720. The codec runs on a thread of libuv's pool, so that viewers do not
 * wait for each other's pictures. The bitrate may change with every frame.
 */
import type { CodecContext, Frame, Packet } from 'node-av/lib';
import { GlimpseError } from '../../errors.ts';
import { annexB, nalType, NAL_SEI, nalUnits } from './annex-b.ts';
import {
  CODEC_OPTIONS,
  GOP_FRAMES,
  h264Level,
  spendableMs,
  VP8_BUFFER_S,
  X264_BUFFER_FRAMES,
} from './codec-options.ts';
import { BitBudget } from './bit-budget.ts';
import type { AccessUnit, EncodeOptions, EncoderSettings, VideoCodec, VideoEncoder } from './encoder.ts';
import { type I420Frame, i420Bytes } from '../../picture/frame.ts';
import { type Libav, loadLibav } from '../libav-loader.ts';
import { LibavScaler } from './libav-scaler.ts';
import { OpeningCredit } from './opening-credit.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import { SerialQueue } from '../../lifetime/serial-queue.ts';
import { LIMITS } from '../../limits.ts';

/** The RTP clock: one tick is far shorter than any frame. */
const TICKS_HZ = 90_000;
/** x264 refuses a rate of zero. */
const X264_BITS_MIN = 100;

export class LibavEncoder implements VideoEncoder {
  readonly codec: VideoCodec;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly #libav: Libav;
  readonly #context: CodecContext;
  readonly #picture: Frame;
  readonly #packet: Packet;
  readonly #scaler: LibavScaler;
  readonly #budget = new BitBudget();
  readonly #opening = new OpeningCredit();
  readonly #settings: EncoderSettings;
  #ptsTicks = 0;
  /** The frame in the codec, and those queued after it. */
  readonly #frames = new SerialQueue(LIMITS.serialWorkMax);
  #closed: Promise<void> | undefined;

  private constructor(libav: Libav, settings: EncoderSettings, context: CodecContext) {
    const { lib, constants } = libav;
    this.codec = settings.codec;
    this.widthPx = settings.widthPx;
    this.heightPx = settings.heightPx;
    this.#libav = libav;
    this.#context = context;
    this.#settings = settings;
    this.#scaler = new LibavScaler(libav, settings.widthPx, settings.heightPx);
    this.#packet = new lib.Packet();
    this.#packet.alloc();
    this.#picture = new lib.Frame();
    this.#picture.alloc();
    this.#picture.format = constants.AV_PIX_FMT_YUV420P;
    this.#picture.width = settings.widthPx;
    this.#picture.height = settings.heightPx;
    this.#picture.getBuffer();
  }

  /** @throws GlimpseError ENCODER_FAILED when node-av does not load or the codec refuses the settings */
  static async open(settings: EncoderSettings): Promise<LibavEncoder> {
    const libav = await loadLibav().catch((cause: unknown) => {
      throw new GlimpseError('ENCODER_FAILED', { message: 'node-av does not load on this machine.', cause });
    });
    return new LibavEncoder(libav, settings, await openCodec(libav, settings));
  }

  encode(frame: I420Frame, options: EncodeOptions): Promise<AccessUnit> {
    return this.#frames.run(() => this.#encode(frame, options));
  }

  close(): Promise<void> {
    this.#closed ??= kept(this.#free());
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #encode(frame: I420Frame, options: EncodeOptions): Promise<AccessUnit> {
    if (this.#closed) throw new GlimpseError('ENCODER_CLOSED');
    const startedMs = performance.now();
    const { keyframe, bitrateBps } = options;
    const { AV_PICTURE_TYPE_I, AV_PICTURE_TYPE_NONE } = this.#libav.constants;
    const durationMs = spendableMs(options, this.#settings);
    const durationTicks = this.#spend(bitrateBps, durationMs);
    const picture = this.#picture;
    this.#check('makeWritable', picture.makeWritable());
    this.#check('fromBuffer', picture.fromBuffer(this.#fitted(frame)));
    picture.pts = BigInt(this.#ptsTicks);
    picture.duration = BigInt(durationTicks);
    this.#ptsTicks += durationTicks;
    picture.pictType = keyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    const sent = await this.#context.sendFrame(picture);
    if (this.#closed) throw new GlimpseError('ENCODER_CLOSED');
    this.#check('sendFrame', sent);
    this.#check('receivePacket', this.#context.receivePacketSync(this.#packet));
    const unit = this.#accessUnit(startedMs);
    if (this.codec === 'H264') this.#budget.spent(unit.data.length);
    else this.#opening.spent(unit.data.length, { bitrateBps, durationMs });
    return unit;
  }

  /** Waits for the codec's current work before freeing its memory. */
  async #free(): Promise<void> {
    await this.#frames.idle();
    this.#scaler.close();
    this.#packet.free();
    this.#picture.free();
    this.#context.freeContext();
  }

  /**
   * Passes the next frame's budget to the rate control, and returns the duration to report to the codec, in ticks.
   * FFmpeg's libvpx ignores a new rate but trusts a frame's duration: a faster clock spends more. x264 does the
   * opposite.
   */
  #spend(bitrateBps: number, durationMs: number): number {
    const nominal = this.#settings;
    if (this.codec === 'VP8') {
      const ticks = ((durationMs / 1000) * TICKS_HZ * bitrateBps * this.#opening.factor) / nominal.bitrateBps;
      return Math.max(1, Math.round(ticks));
    }
    const bits = Math.max(X264_BITS_MIN, Math.round(this.#budget.next(bitrateBps, durationMs)));
    this.#context.bitRate = BigInt(Math.round(bits * nominal.fps));
    this.#context.rcMaxRate = this.#context.bitRate;
    this.#context.rcBufferSize = bits * X264_BUFFER_FRAMES;
    return Math.round(TICKS_HZ / nominal.fps);
  }

  #fitted(frame: I420Frame): Buffer {
    if (frame.data.length !== i420Bytes(frame.widthPx, frame.heightPx)) {
      throw new GlimpseError('ENCODER_FAILED', { message: 'The frame has more or fewer bytes than its size needs.' });
    }
    if (frame.widthPx !== this.widthPx || frame.heightPx !== this.heightPx) return this.#scaler.scale(frame);
    return Buffer.from(frame.data.buffer, frame.data.byteOffset, frame.data.length);
  }

  #accessUnit(startedMs: number): AccessUnit {
    const packet = this.#packet;
    const keyframe = packet.isKeyframe;
    const data = new Uint8Array(packet.data ?? Buffer.alloc(0));
    packet.unref();
    return {
      data: this.codec === 'H264' && keyframe ? withoutSei(data) : data,
      keyframe,
      widthPx: this.widthPx,
      heightPx: this.heightPx,
      encodeMs: performance.now() - startedMs,
    };
  }

  /** libav's calls return a negative number on failure. */
  #check(call: string, result: number): void {
    if (result < 0) throw new GlimpseError('ENCODER_FAILED', { details: { call, result, codec: this.codec } });
  }
}

async function openCodec({ lib, constants }: Libav, settings: EncoderSettings): Promise<CodecContext> {
  const { codec, widthPx, heightPx, fps, bitrateBps } = settings;
  const name = { VP8: constants.FF_ENCODER_LIBVPX_VP8, H264: constants.FF_ENCODER_LIBX264 }[codec];
  const library = lib.Codec.findEncoderByName(name);
  if (library === null) throw new GlimpseError('ENCODER_FAILED', { details: { missing: name } });
  const context = new lib.CodecContext();
  context.allocContext3(library);
  context.width = widthPx;
  context.height = heightPx;
  context.pixelFormat = constants.AV_PIX_FMT_YUV420P;
  context.colorRange = constants.AVCOL_RANGE_MPEG;
  context.colorSpace = constants.AVCOL_SPC_SMPTE170M;
  context.colorPrimaries = constants.AVCOL_PRI_SMPTE170M;
  context.colorTrc = constants.AVCOL_TRC_SMPTE170M;
  context.timeBase = new lib.Rational(1, TICKS_HZ);
  context.framerate = new lib.Rational(Math.round(fps * 1000), 1000);
  context.gopSize = GOP_FRAMES;
  context.maxBFrames = 0;
  context.threadCount = 1;
  context.setFlags(constants.AV_CODEC_FLAG_FRAME_DURATION);
  context.bitRate = BigInt(Math.round(bitrateBps));
  context.rcMaxRate = BigInt(Math.round(bitrateBps));
  if (codec === 'VP8') context.rcMinRate = BigInt(Math.round(bitrateBps));
  context.rcBufferSize = Math.round(
    codec === 'VP8' ? bitrateBps * VP8_BUFFER_S : (bitrateBps / fps) * X264_BUFFER_FRAMES,
  );
  for (const [name, value] of Object.entries(CODEC_OPTIONS[codec])) context.setOption(name, value);
  if (codec === 'H264') context.setOption('level', h264Level(settings));
  if (settings.nalMaxBytes !== undefined) context.setOption('slice-max-size', String(settings.nalMaxBytes));
  const opened = await context.open2(library);
  if (opened < 0) {
    context.freeContext();
    throw new GlimpseError('ENCODER_FAILED', { details: { call: 'open', result: opened, codec } });
  }
  return context;
}

/** Removes x264's 700-byte note before the first picture: most of a packet on the way to the first frame. */
const withoutSei = (data: Uint8Array): Uint8Array => annexB(nalUnits(data).filter((nal) => nalType(nal) !== NAL_SEI));
