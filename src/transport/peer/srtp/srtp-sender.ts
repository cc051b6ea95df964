/**
 * The media path of a connected peer: numbers, protects and sends RTP for the video, its RTX and the sound. It owns the
 * transport-wide counter (draft-holmer-rmcat-transport-wide-cc-extensions-01) and each stream's rollover counter (RFC
 * 3711 section 3.3.1). It is the only sender on these SSRCs: a sequence number used twice breaks AES-GCM.
 */
import type { Clock } from '../../../clock.ts';
import { GlimpseError } from '../../../errors.ts';
import type { MediaPath, NegotiatedAudio, NegotiatedVideo, OutgoingRtp } from '../../media-path.ts';
import { indexOf, SEQUENCE_SPAN } from './packet-index.ts';
import { ReplayWindow } from './replay-window.ts';
import { RtpHeaderTemplate } from './rtp-header.ts';
import type { SrtcpSession } from './srtcp-session.ts';
import { createSrtpCipher, type SrtpCipher } from './srtp-cipher.ts';
import { deriveRtpKeys, type SrtpMasterKeys } from './srtp-keys.ts';

/** How far packets of one stream may be reordered: what libsrtp receivers in browsers accept. */
const REORDER_MAX_PACKETS = 1_024;

/** How long a browser may hold pictures back for their sound, when the network delays sound: a multiple of 10. */
const SYNC_MAX_MS = 500;

/** One SSRC's header and sent packet indices. */
interface Stream {
  header: RtpHeaderTemplate;
  /** Used 48-bit packet indices (rollover counter × 2^16 + sequence number). */
  sent: ReplayWindow;
}

export interface SrtpSenderOptions {
  video: NegotiatedVideo;
  audio?: NegotiatedAudio | undefined;
  cname?: string | undefined;
  keys: SrtpMasterKeys;
  srtcp: SrtcpSession;
  clock: Clock;
  /** False while there is no path to the peer. */
  canSend: () => boolean;
  send: (datagram: Buffer) => void;
  /** Transport-wide number of the first packet; default 0. */
  firstTransportSequence?: number;
}

export class SrtpSender implements MediaPath {
  readonly video: NegotiatedVideo;
  readonly audio: NegotiatedAudio | undefined;
  readonly cname: string | undefined;
  readonly #options: SrtpSenderOptions;
  readonly #cipher: SrtpCipher;
  readonly #streams = new Map<number, Stream>();
  #nextTransportSequence: number;

  constructor(options: SrtpSenderOptions) {
    const { video, audio, cname, keys, firstTransportSequence = 0 } = options;
    this.video = video;
    this.audio = audio;
    this.cname = cname;
    this.#nextTransportSequence = firstTransportSequence;
    this.#options = options;
    this.#cipher = createSrtpCipher(keys.profile, deriveRtpKeys(keys.localKey, keys.localSalt));
    // Without sound pictures are shown at once. With it a browser may hold them back to keep both in step.
    const ownDelayMs = audio ? SYNC_MAX_MS : 0;
    const add = (ssrc: number, media: NegotiatedVideo | NegotiatedAudio): void =>
      void this.#streams.set(ssrc, {
        header: new RtpHeaderTemplate(ssrc, media, ownDelayMs),
        sent: new ReplayWindow(REORDER_MAX_PACKETS),
      });
    add(video.ssrc, video);
    if (video.rtx) add(video.rtx.ssrc, video);
    if (audio) add(audio.ssrc, audio);
  }

  sendRtp(packet: OutgoingRtp): { transportSequence: number; sizeBytes: number } | undefined {
    if (!this.#options.canSend()) return undefined;
    const { ssrc, sequenceNumber, payload } = packet;
    const stream = this.#streams.get(ssrc);
    if (stream === undefined) throw new GlimpseError('INTERNAL', { message: `SSRC ${ssrc} was not negotiated.` });
    const index = indexOf(sequenceNumber, stream.sent.highest);
    if (!stream.sent.accept(index)) {
      const message = `RTP sequence number ${sequenceNumber} of SSRC ${ssrc} was sent before.`;
      throw new GlimpseError('INTERNAL', { message });
    }
    const transportSequence = this.#nextTransportSequence++;
    const { header } = stream;
    const out = Buffer.allocUnsafe(header.sizeBytes + payload.length + this.#cipher.tagBytes);
    header.write(out, { packet, transportSequence: transportSequence & 0xffff, wallMs: this.#options.clock.wallMs() });
    out.set(payload, header.sizeBytes);
    const rolloverCounter = Math.floor(index / SEQUENCE_SPAN);
    this.#cipher.protect(out, header.sizeBytes, { ssrc, rolloverCounter, sequenceNumber });
    this.#options.send(out);
    return { transportSequence, sizeBytes: out.length };
  }

  sendRtcp(packet: Uint8Array): void {
    if (this.#options.canSend()) this.#options.send(this.#options.srtcp.protect(packet));
  }
}
