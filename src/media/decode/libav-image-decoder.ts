/**
 * Decodes PNG and JPEG pictures to I420 through node-av, scaled to the requested size. Synchronous and slow (5 to 15 ms
 * for a picture of 960x544), so it belongs in a worker thread.
 */
import type { CodecContext, Frame, Packet, SoftwareScaleContext } from 'node-av/lib';
import { GlimpseError } from '../../errors.ts';
import { type I420Frame, i420Bytes } from '../../picture/frame.ts';
import { type Libav, loadLibav } from '../libav-loader.ts';
import { freeMemory } from './free-memory.ts';
import { storedPng } from './stored-png.ts';

export type ImageFormat = 'jpeg' | 'png';

/** A picture of a few kB can claim any size; larger ones are refused before memory is allocated. */
export const PIXELS_MAX = 4096 * 4096;

export class LibavImageDecoder {
  readonly #libav: Libav;
  readonly #contexts = new Map<ImageFormat, CodecContext>();
  readonly #packet: Packet;
  readonly #frame: Frame;
  #scaler: { key: string; context: SoftwareScaleContext } | undefined;

  private constructor(libav: Libav) {
    this.#libav = libav;
    this.#packet = new libav.lib.Packet();
    this.#packet.alloc();
    this.#frame = new libav.lib.Frame();
    this.#frame.alloc();
  }

  /** Rejects with the loader's own error where node-av does not load. */
  static async open(): Promise<LibavImageDecoder> {
    return new LibavImageDecoder(await loadLibav());
  }

  /**
   * `widthPx`, `heightPx`: the size of the result, both even.
   * @throws GlimpseError GENERATOR_DOWN when the bytes are not a picture of that format
   */
  decode(image: Uint8Array, format: ImageFormat, widthPx: number, heightPx: number): I420Frame {
    const context = this.#contextFor(format);
    this.#packet.unref();
    const readable = format === 'png' ? storedPng(image, PIXELS_MAX) : image;
    if (readable === undefined)
      throw new GlimpseError('GENERATOR_DOWN', { message: 'A PNG picture is cut off or too large.' });
    this.#packet.data = Buffer.from(readable.buffer, readable.byteOffset, readable.byteLength);
    if (readable !== image) freeMemory(readable);
    // Without this flag FFmpeg treats a PNG as a difference to the previous picture.
    this.#packet.isKeyframe = true;
    const sent = context.sendPacketSync(this.#packet);
    const received = sent < 0 ? sent : context.receiveFrameSync(this.#frame);
    if (received < 0) {
      // After an error the context may hold half a picture.
      this.#contexts.delete(format);
      context.freeContext();
      throw new GlimpseError('GENERATOR_DOWN', { message: `A ${format} picture cannot be decoded.` });
    }
    const data = this.#scaled(widthPx, heightPx);
    this.#frame.unref();
    return { widthPx, heightPx, data };
  }

  close(): void {
    for (const context of this.#contexts.values()) context.freeContext();
    this.#contexts.clear();
    this.#scaler?.context.freeContext();
    this.#scaler = undefined;
    this.#packet.free();
    this.#frame.free();
  }

  #contextFor(format: ImageFormat): CodecContext {
    const open = this.#contexts.get(format);
    if (open !== undefined) return open;
    const { lib, constants } = this.#libav;
    const codec = lib.Codec.findDecoder({ png: constants.AV_CODEC_ID_PNG, jpeg: constants.AV_CODEC_ID_MJPEG }[format]);
    if (codec === null) throw new GlimpseError('GENERATOR_DOWN', { message: `FFmpeg has no decoder for ${format}.` });
    const context = new lib.CodecContext();
    context.allocContext3(codec);
    // More threads would delay pictures: each input must give one output.
    context.threadCount = 1;
    context.setOption('max_pixels', PIXELS_MAX);
    if (context.open2Sync(codec) < 0) {
      context.freeContext();
      throw new GlimpseError('GENERATOR_DOWN', { message: `The decoder for ${format} does not open.` });
    }
    this.#contexts.set(format, context);
    return context;
  }

  /** The current frame as I420. Scales whole frames, not planes: node-av omits the palette from planes. */
  #scaled(widthPx: number, heightPx: number): Uint8Array {
    const { lib, constants } = this.#libav;
    const result = new lib.Frame();
    result.alloc();
    result.width = widthPx;
    result.height = heightPx;
    result.format = constants.AV_PIX_FMT_YUV420P;
    const failed = result.getBuffer() < 0 || this.#scalerTo(widthPx, heightPx).scaleFrameSync(result, this.#frame) < 0;
    const data = failed ? undefined : result.toBuffer();
    result.free();
    if (data?.length === i420Bytes(widthPx, heightPx)) return new Uint8Array(data.buffer, data.byteOffset, data.length);
    throw new GlimpseError('GENERATOR_DOWN', { message: 'A picture cannot be scaled.' });
  }

  /** Scaler for the current frame's size and pixel format; pictures of one batch share it. */
  #scalerTo(widthPx: number, heightPx: number): SoftwareScaleContext {
    const { width, height, format } = this.#frame;
    const key = [width, height, format, widthPx, heightPx].join();
    if (this.#scaler?.key === key) return this.#scaler.context;
    this.#scaler?.context.freeContext();
    this.#scaler = undefined;
    const { lib, constants } = this.#libav;
    const context = new lib.SoftwareScaleContext();
    const source = format as Parameters<SoftwareScaleContext['getContext']>[2];
    const method = width * height > widthPx * heightPx ? constants.SWS_AREA : constants.SWS_BICUBIC;
    context.getContext(width, height, source, widthPx, heightPx, constants.AV_PIX_FMT_YUV420P, method);
    this.#scaler = { key, context };
    return context;
  }
}
