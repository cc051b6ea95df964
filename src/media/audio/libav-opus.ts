/**
 * Opus by libopus through node-av: one frame of 20 ms in, one packet out, with in-band FEC and DTX. The codec runs on a
 * thread of libuv's pool. FFmpeg's wrapper reads the bitrate only when it opens, so a new rate is a new encoder, which
 * first hears the last frames of the old one: a decoder then goes on without a click.
 */
import type { ChannelLayout, CodecContext, Frame, Packet } from 'node-av/lib';
import { GlimpseError } from '../../errors.ts';
import { kept } from '../../lifetime/kept-promise.ts';
import { SOUND_RATE_HZ } from '../../picture/sound.ts';
import { type Libav, loadLibav } from '../libav-loader.ts';
import { FRAME_MS, FRAME_SAMPLES } from './sound-frames.ts';

export interface OpusSettings {
  channels: 1 | 2;
  bitrateBps: number;
}

/** Loss that FEC prepares for, percent: more makes each packet larger. */
const LOSS_PERCENT = 5;
/** Effort, 0 to 10: 5 takes a third of the time of 10 and sounds the same in blind tests of its authors. */
const COMPLEXITY = 5;

export class LibavOpusEncoder implements AsyncDisposable {
  readonly #context: CodecContext;
  readonly #frame: Frame;
  readonly #packet: Packet;
  readonly #samples: number;
  #pts = 0;
  /** The frame in the codec, and those queued after it. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(libav: Libav, context: CodecContext, { channels }: OpusSettings) {
    const { lib, constants } = libav;
    this.#context = context;
    this.#samples = FRAME_SAMPLES * channels;
    this.#packet = new lib.Packet();
    this.#packet.alloc();
    this.#frame = new lib.Frame();
    this.#frame.alloc();
    this.#frame.format = constants.AV_SAMPLE_FMT_FLT;
    this.#frame.sampleRate = SOUND_RATE_HZ;
    this.#frame.channelLayout = layoutOf(libav, channels);
    this.#frame.nbSamples = FRAME_SAMPLES;
    this.#frame.getBuffer();
  }

  /** @throws GlimpseError ENCODER_FAILED when node-av does not load or has no libopus */
  static async open(settings: OpusSettings): Promise<LibavOpusEncoder> {
    const libav = await loadLibav().catch((cause: unknown) => {
      throw new GlimpseError('ENCODER_FAILED', { message: 'node-av does not load on this machine.', cause });
    });
    return new LibavOpusEncoder(libav, await openCodec(libav, settings), settings);
  }

  /**
   * @param samples 20 ms, interleaved; not read after the call has settled
   * @throws GlimpseError ENCODER_CLOSED after `close`, ENCODER_FAILED
   */
  encode(samples: Float32Array): Promise<Uint8Array> {
    const packet = this.#turn.then(() => this.#encode(samples));
    this.#turn = packet.catch(() => {});
    return packet;
  }

  /** Idempotent; pending calls reject with ENCODER_CLOSED. */
  close(): Promise<void> {
    this.#closed ??= kept(this.#free());
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #encode(samples: Float32Array): Promise<Uint8Array> {
    if (this.#closed) throw new GlimpseError('ENCODER_CLOSED');
    if (samples.length !== this.#samples)
      throw new GlimpseError('ENCODER_FAILED', { details: { samples: samples.length, expected: this.#samples } });
    check('makeWritable', this.#frame.makeWritable());
    check('fromBuffer', this.#frame.fromBuffer(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)));
    this.#frame.pts = BigInt(this.#pts);
    this.#pts += FRAME_SAMPLES;
    const sent = await this.#context.sendFrame(this.#frame);
    if (this.#closed) throw new GlimpseError('ENCODER_CLOSED');
    check('sendFrame', sent);
    check('receivePacket', this.#context.receivePacketSync(this.#packet));
    const data = new Uint8Array(this.#packet.data ?? Buffer.alloc(0));
    this.#packet.unref();
    return data;
  }

  async #free(): Promise<void> {
    await this.#turn;
    this.#packet.free();
    this.#frame.free();
    this.#context.freeContext();
  }
}

async function openCodec(libav: Libav, { channels, bitrateBps }: OpusSettings): Promise<CodecContext> {
  const { lib, constants } = libav;
  const codec = lib.Codec.findEncoderByName(constants.FF_ENCODER_LIBOPUS);
  if (codec === null) throw new GlimpseError('ENCODER_FAILED', { details: { missing: 'libopus' } });
  const context = new lib.CodecContext();
  context.allocContext3(codec);
  context.sampleRate = SOUND_RATE_HZ;
  context.sampleFormat = constants.AV_SAMPLE_FMT_FLT;
  context.channelLayout = layoutOf(libav, channels);
  context.timeBase = new lib.Rational(1, SOUND_RATE_HZ);
  context.bitRate = BigInt(bitrateBps);
  context.threadCount = 1;
  const options = {
    application: 'audio',
    frame_duration: FRAME_MS,
    vbr: 'constrained',
    fec: 1,
    packet_loss: LOSS_PERCENT,
    dtx: 1,
    compression_level: COMPLEXITY,
  };
  for (const [name, value] of Object.entries(options)) context.setOption(name, String(value));
  const opened = await context.open2(codec);
  if (opened >= 0) return context;
  context.freeContext();
  throw new GlimpseError('ENCODER_FAILED', { details: { call: 'open', result: opened, codec: 'Opus' } });
}

function check(call: string, result: number): void {
  if (result < 0) throw new GlimpseError('ENCODER_FAILED', { details: { call, result, codec: 'Opus' } });
}

/** Front left and right, or front centre. */
export const layoutOf = ({ constants }: Libav, channels: 1 | 2): ChannelLayout => ({
  nbChannels: channels,
  order: constants.AV_CHANNEL_ORDER_NATIVE,
  mask: channels === 2 ? 3n : 4n,
});
