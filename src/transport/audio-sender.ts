/**
 * The sound of one viewer as RTP: Opus packets in, one RTP packet each. Sound never waits in the pacer, because it is
 * small and a gap is heard at once. It shares the transport-wide numbers with the video, so that the estimator sees
 * both. In silence (DTX) nothing is sent. While packets get lost, each carries the one before it again.
 */
import type { BandwidthEstimator } from '../congestion/bandwidth-estimator.ts';
import { isDtx, type OpusPacket } from '../media/audio/opus.ts';
import type { MediaPath, NegotiatedAudio } from './media-path.ts';
import { Reporter, type ReportRequest } from './rtcp/reporter.ts';
import { redundantPayload, type OpusBlock } from './rtp/opus-payload.ts';

export interface AudioSenderOptions {
  path: MediaPath;
  audio: NegotiatedAudio;
  estimator: BandwidthEstimator;
  cname: string;
  /** Uniform in [0, 1); for RTP's random initial values (RFC 3550 section 5.1). */
  random: () => number;
  /** A packet has left: the video's pacer and feedback take account of it. */
  onSent: (sent: { transportSequence: number; sizeBytes: number }, nowUs: number) => void;
}

/** Loss from which on packets are repeated, and below which they no longer are. */
const REPEAT_FROM = 0.02;
const REPEAT_UNTIL = 0.01;

export class AudioSender {
  readonly #options: AudioSenderOptions;
  readonly #reporter: Reporter;
  /** A low initial value keeps the first wrap away from the first packets (RFC 3711 section 3.3.1). */
  #nextSequence: number;
  #first: { rtpTimestamp: number; startUs: number } | undefined;
  #before: OpusBlock | undefined;
  #repeats = false;
  #packets = 0;
  #payloadBytes = 0;

  constructor(options: AudioSenderOptions) {
    const { audio, cname, random } = options;
    this.#options = options;
    this.#nextSequence = Math.floor(random() * 0x8000);
    this.#reporter = new Reporter({ ssrc: audio.ssrc, clockRateHz: audio.clockRateHz, cname, random });
  }

  /** Packets repeat the one before them, because packets get lost. */
  get repeats(): boolean {
    return this.#repeats;
  }

  /** Sends one packet of 20 ms, unless it is silence or there is no path. */
  send({ data, startUs }: OpusPacket, nowUs: number): void {
    const rtpTimestamp = this.#timestampOf(startUs);
    if (isDtx(data)) {
      this.#before = undefined;
      return;
    }
    const { path, audio, estimator, onSent } = this.#options;
    const now = { data, rtpTimestamp };
    const redundant = this.#redundant(now);
    const sent = path.sendRtp({
      ssrc: audio.ssrc,
      payloadType: redundant ? audio.redPayloadType! : audio.payloadType,
      sequenceNumber: this.#nextSequence,
      rtpTimestamp,
      // The first packet after silence (RFC 7587 section 4.2).
      marker: this.#before === undefined,
      payload: redundant ?? data,
    });
    if (!sent) return;
    this.#before = now;
    this.#nextSequence = (this.#nextSequence + 1) & 0xffff;
    this.#packets += 1;
    this.#payloadBytes += redundant?.length ?? data.length;
    if (audio.transportCc) {
      const { transportSequence: sequence, sizeBytes } = sent;
      estimator.onPacketSent({ sequence, sizeBytes, sentAtUs: nowUs, kind: 'audio' });
    }
    onSent(sent, nowUs);
  }

  /** The sender report to send now; undefined when none is due. */
  report(now: Pick<ReportRequest, 'nowUs' | 'wallMs'>): Uint8Array | undefined {
    if (!this.#reporter.isDue(now.nowUs)) return undefined;
    return this.#reporter.take({ ...now, counts: { packets: this.#packets, payloadBytes: this.#payloadBytes } });
  }

  /** Packets lie whole frames apart: rounding each time of its own would shift some by a sample. */
  #timestampOf(startUs: number): number {
    const first = this.#first;
    const own = first && first.rtpTimestamp + Math.round(((startUs - first.startUs) * 48) / 1_000);
    const rtpTimestamp = this.#reporter.onFrame(startUs, own);
    this.#first ??= { rtpTimestamp, startUs };
    return rtpTimestamp;
  }

  #redundant(now: OpusBlock): Uint8Array | undefined {
    const { audio, estimator } = this.#options;
    const { lossRatio } = estimator.snapshot;
    this.#repeats = lossRatio > (this.#repeats ? REPEAT_UNTIL : REPEAT_FROM);
    if (!this.#repeats || audio.redPayloadType === undefined || !this.#before) return undefined;
    return redundantPayload(now, this.#before, audio.payloadType);
  }
}
