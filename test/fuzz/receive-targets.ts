/** What reads media that a camera sends: packets, payloads, parameter sets, and a live receiver of all of them. */
import { readInitializers } from '../../src/generation/onnx/model/onnx-initializers.ts';
import { MessageReader, writeHead } from '../../src/media/decode/live-wire.ts';
import { MediaReception } from '../../src/transport/receive/media-reception.ts';
import { readSps } from '../../src/transport/receive/h264-sps.ts';
import { statedSize } from '../../src/transport/receive/picture-size.ts';
import { findExtension, parseRtp } from '../../src/transport/receive/rtp-packet.ts';
import { buildRtp } from '../support/rtp-builder.ts';
import { asRtx, RtpSender, SPS } from '../support/rtp-sender.ts';
import type { FuzzTarget } from './target.ts';

const FRAME_MAX_BYTES = 1 << 20;
const LIMITS = { pixels: 1920 * 1088, sidePx: 4096, frameBytes: FRAME_MAX_BYTES, packets: 1_024, bytes: 1 << 21 };
/** Inputs that one receiver takes: a fresh one starts without a keyframe. */
const RECEIVER_EVERY = 500;
const STEP_US = 3_000;

const receiver = (codec: 'VP8' | 'H264'): MediaReception =>
  new MediaReception({
    inbound: {
      video: {
        codec,
        payloadType: 96,
        rtxPayloadType: 97,
        feedback: { nack: true, pli: true, fir: true, transportCc: true },
      },
      audio: { payloadType: 111 },
      transportWideCc: 3,
      reportSsrc: 9,
      cname: 'me',
    },
    limits: LIMITS,
  });

/** A live receiver: a good stream goes on while inputs come as packets of it. */
function receptionTarget(codec: 'VP8' | 'H264'): FuzzTarget {
  const seeds = new RtpSender(codec);
  const [key, delta] = [seeds.frame(200, true), seeds.frame(150)];
  let media = receiver(codec);
  let sender = new RtpSender(codec);
  let count = 0;
  let nowUs = 0;
  return {
    name: `receive-${codec.toLowerCase()}`,
    seeds: [
      ...key.packets,
      ...delta.packets,
      asRtx(delta.packets[0]!, { payloadType: 97, ssrc: 2, sequenceNumber: 7 }),
      buildRtp({ payloadType: 111, ssrc: 3, payload: Uint8Array.of(1, 2, 3), extensions: [[3, Uint8Array.of(0, 1)]] }),
    ],
    costMaxMs: 20,
    run: (input) => {
      if (++count % RECEIVER_EVERY === 0) {
        media = receiver(codec);
        sender = new RtpSender(codec);
      }
      nowUs += STEP_US;
      for (const packet of sender.frame(100, count % 30 === 0).packets) media.onRtp(packet, nowUs);
      media.onRtp(input, nowUs);
      for (const { data } of media.takeFrames(nowUs))
        if (data.length > FRAME_MAX_BYTES) throw new Error(`a frame of ${data.length} bytes`);
      media.takeAudio(nowUs);
      const rtcp = media.takeRtcp(nowUs);
      if (rtcp && (rtcp.length % 4 !== 0 || rtcp.length > 4_096)) throw new Error(`RTCP of ${rtcp.length} bytes`);
      if (!(media.nextUs > 0)) throw new Error(`next at ${media.nextUs}`);
    },
  };
}

export function receiveTargets(): FuzzTarget[] {
  return [
    {
      name: 'rtp',
      seeds: [
        buildRtp({ payload: Uint8Array.of(1, 2, 3), padding: 5, sources: [1, 2] }),
        buildRtp({
          extensions: [
            [3, Uint8Array.of(1, 2)],
            [4, Uint8Array.of(1)],
          ],
          payload: Uint8Array.of(9),
        }),
        buildRtp({ extensions: [[200, Uint8Array.of(1, 2)]], form: 'twoByte' }),
      ],
      costMaxMs: 20,
      run: (input) => {
        const packet = parseRtp(input);
        if (packet) for (let id = 0; id < 16; id++) findExtension(packet.extensions, id);
        if (packet && packet.payload.length > input.length) throw new Error('more payload than packet');
      },
    },
    {
      name: 'sps',
      seeds: [Buffer.from(SPS), Buffer.from('6764001facd9405005bb011000000300100000030320f1831960', 'hex')],
      costMaxMs: 20,
      run: (input) => {
        const size = readSps(input);
        if (size && !(size.widthPx > 0 && size.heightPx > 0)) throw new Error(JSON.stringify(size));
        statedSize('H264', input);
        statedSize('VP8', input);
      },
    },
    {
      // What the process that decodes a camera says: whole, and cut anywhere, it is the same messages.
      name: 'live-wire',
      seeds: [
        Buffer.concat([
          writeHead({ type: 1, a: 0, b: 0, c: 0, data: new Uint8Array(0) }),
          writeHead({ type: 3, a: 16, b: 1, c: 16, data: new Uint8Array(384) }),
          Buffer.alloc(384, 7),
          writeHead({ type: 2, a: 1, b: 2, c: 1, data: new Uint8Array(0) }),
        ]),
      ],
      run: (input) => {
        const whole = new MessageReader(4_096).take(input);
        const reader = new MessageReader(4_096);
        const cut = (input[0] ?? 0) % (input.length + 1);
        const pieces = [reader.take(input.subarray(0, cut)), reader.take(input.subarray(cut))];
        const sizes = (messages: ReturnType<typeof reader.take>[]) =>
          messages.flatMap((some) => some ?? []).map(({ data }) => data.length);
        if (whole && sizes(pieces).join() !== sizes([whole]).join()) throw new Error(`cut at ${cut}, other messages`);
      },
    },
    {
      // A pack is checked by its hash before; what else stands in one must not block the start.
      name: 'onnx-initializers',
      seeds: [Buffer.from('3a0f2a0d080110014201784a040000803f', 'hex')],
      costMaxMs: 20,
      run: (input) => void readInitializers(input, /./),
    },
    receptionTarget('VP8'),
    receptionTarget('H264'),
  ];
}
