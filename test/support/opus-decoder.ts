/** Decodes Opus packets with FFmpeg's own decoder, to hear in a test what a viewer would. */
import type { CodecContext, Frame, Packet } from 'node-av/lib';
import { loadLibav } from '../../src/media/libav-loader.ts';
import { layoutOf } from '../../src/media/audio/libav-opus.ts';

export class OpusDecoder implements Disposable {
  readonly #context: CodecContext;
  readonly #packet: Packet;
  readonly #frame: Frame;
  readonly #channels: 1 | 2;

  private constructor(context: CodecContext, packet: Packet, frame: Frame, channels: 1 | 2) {
    this.#context = context;
    this.#packet = packet;
    this.#frame = frame;
    this.#channels = channels;
  }

  static async open(channels: 1 | 2): Promise<OpusDecoder> {
    const libav = await loadLibav();
    const { lib, constants } = libav;
    const codec = lib.Codec.findDecoder(constants.AV_CODEC_ID_OPUS)!;
    const context = new lib.CodecContext();
    context.allocContext3(codec);
    context.sampleRate = 48_000;
    context.channelLayout = layoutOf(libav, channels);
    await context.open2(codec);
    const packet = new lib.Packet();
    packet.alloc();
    const frame = new lib.Frame();
    frame.alloc();
    return new OpusDecoder(context, packet, frame, channels);
  }

  /** Interleaved samples of one packet. */
  decode(data: Uint8Array): Float32Array {
    this.#packet.unref();
    this.#packet.data = Buffer.from(data);
    if (this.#context.sendPacketSync(this.#packet) < 0) throw new Error('the packet is not Opus');
    const parts: number[] = [];
    while (this.#context.receiveFrameSync(this.#frame) >= 0) {
      const planes = this.#frame.data!.map((plane) => new Float32Array(new Uint8Array(plane).buffer));
      const planar = planes.length > 1;
      for (let index = 0; index < this.#frame.nbSamples; index++)
        for (let channel = 0; channel < this.#channels; channel++)
          parts.push(planar ? planes[channel]![index]! : planes[0]![index * this.#channels + channel]!);
      this.#frame.unref();
    }
    return Float32Array.from(parts);
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#frame.free();
    this.#context.freeContext();
  }
}
