/**
 * Decodes one camera's stream through node-av and keeps the newest picture, which it scales and crops when asked. Runs in
 * a process of its own (live-process.ts): a codec that crashes on hostile bits ends that process only.
 */
import type { CodecContext, Frame, Packet, SoftwareScaleContext } from 'node-av/lib';
import { LIMITS } from '../../limits.ts';
import { i420Bytes, type I420Frame } from '../../picture/frame.ts';
import { type Libav, loadLibav } from '../libav-loader.ts';
import type { VideoCodec } from '../encode/encoder.ts';

export type DecodeOutcome = 'picture' | 'none' | 'failed';

export class LibavLiveDecoder {
  readonly #libav: Libav;
  readonly #context: CodecContext;
  readonly #packet: Packet;
  #incoming: Frame;
  #newest: Frame;
  #hasPicture = false;
  #scaler: { key: string; context: SoftwareScaleContext } | undefined;

  private constructor(libav: Libav, context: CodecContext) {
    this.#libav = libav;
    this.#context = context;
    this.#packet = new libav.lib.Packet();
    this.#packet.alloc();
    [this.#incoming, this.#newest] = [newFrame(libav), newFrame(libav)];
  }

  /** Rejects where node-av does not load, or has no decoder for the codec. */
  static async open(codec: VideoCodec): Promise<LibavLiveDecoder> {
    const libav = await loadLibav();
    const { lib, constants } = libav;
    lib.Log.setLevel(constants.AV_LOG_QUIET);
    const found = lib.Codec.findDecoder({ VP8: constants.AV_CODEC_ID_VP8, H264: constants.AV_CODEC_ID_H264 }[codec]);
    if (found === null) throw new Error(`no decoder for ${codec}`);
    const context = new lib.CodecContext();
    context.allocContext3(found);
    // More threads would delay pictures.
    context.threadCount = 1;
    context.setOption('max_pixels', LIMITS.cameraMaxPixels);
    context.setOption('flags', 'low_delay');
    if (context.open2Sync(found) < 0) throw new Error(`the decoder for ${codec} does not open`);
    return new LibavLiveDecoder(libav, context);
  }

  /** @param unit VP8 frame, or Annex B access unit */
  decode(unit: Uint8Array): DecodeOutcome {
    this.#packet.unref();
    this.#packet.data = Buffer.from(unit.buffer, unit.byteOffset, unit.byteLength);
    if (this.#context.sendPacketSync(this.#packet) < 0) return 'failed';
    let outcome: DecodeOutcome = 'none';
    while (this.#context.receiveFrameSync(this.#incoming) >= 0) {
      const { width, height } = this.#incoming;
      if (width * height > LIMITS.cameraMaxPixels) return 'failed';
      [this.#incoming, this.#newest] = [this.#newest, this.#incoming];
      this.#incoming.unref();
      this.#hasPicture = true;
      outcome = 'picture';
    }
    return outcome;
  }

  /** The newest picture, scaled to cover this size and cropped to it evenly; both sides even. */
  picture(widthPx: number, heightPx: number): I420Frame | undefined {
    if (!this.#hasPicture) return undefined;
    const cover = coverOf(this.#newest, widthPx, heightPx);
    const data = this.#scaled(cover.widthPx, cover.heightPx);
    return data && cropped({ ...cover, data }, widthPx, heightPx);
  }

  close(): void {
    this.#scaler?.context.freeContext();
    this.#context.freeContext();
    this.#packet.free();
    this.#incoming.free();
    this.#newest.free();
  }

  #scaled(widthPx: number, heightPx: number): Uint8Array | undefined {
    const result = newFrame(this.#libav);
    Object.assign(result, { width: widthPx, height: heightPx, format: this.#libav.constants.AV_PIX_FMT_YUV420P });
    const failed = result.getBuffer() < 0 || this.#scalerTo(widthPx, heightPx).scaleFrameSync(result, this.#newest) < 0;
    const data = failed ? undefined : result.toBuffer();
    result.free();
    return data?.length === i420Bytes(widthPx, heightPx) ? data : undefined;
  }

  #scalerTo(widthPx: number, heightPx: number): SoftwareScaleContext {
    const { width, height, format } = this.#newest;
    const key = [width, height, format, widthPx, heightPx].join();
    if (this.#scaler?.key === key) return this.#scaler.context;
    this.#scaler?.context.freeContext();
    const { lib, constants } = this.#libav;
    const context = new lib.SoftwareScaleContext();
    const source = format as Parameters<SoftwareScaleContext['getContext']>[2];
    const method = width * height > widthPx * heightPx ? constants.SWS_AREA : constants.SWS_BILINEAR;
    context.getContext(width, height, source, widthPx, heightPx, constants.AV_PIX_FMT_YUV420P, method);
    this.#scaler = { key, context };
    return context;
  }
}

function newFrame({ lib }: Libav): Frame {
  const frame = new lib.Frame();
  frame.alloc();
  return frame;
}

function coverOf(source: { width: number; height: number }, widthPx: number, heightPx: number) {
  const factor = Math.max(widthPx / source.width, heightPx / source.height);
  const even = (sidePx: number, leastPx: number): number => Math.max(leastPx, Math.round((sidePx * factor) / 2) * 2);
  return { widthPx: even(source.width, widthPx), heightPx: even(source.height, heightPx) };
}

/** The middle of a picture that is at least this large. */
function cropped(source: I420Frame, widthPx: number, heightPx: number): I420Frame {
  if (source.widthPx === widthPx && source.heightPx === heightPx) return source;
  const data = new Uint8Array(i420Bytes(widthPx, heightPx));
  let from = 0;
  let to = 0;
  for (const share of [1, 2, 2]) {
    const [sourceWidth, width, height] = [source.widthPx / share, widthPx / share, heightPx / share];
    const left = Math.floor((source.widthPx - widthPx) / 4) * (2 / share);
    const top = Math.floor((source.heightPx - heightPx) / 4) * (2 / share);
    for (let row = 0; row < height; row++) {
      const at = from + (top + row) * sourceWidth + left;
      data.set(source.data.subarray(at, at + width), to + row * width);
    }
    from += sourceWidth * (source.heightPx / share);
    to += width * height;
  }
  return { widthPx, heightPx, data };
}
