/**
 * One received Opus stream (RFC 7587): packets in any order to packets in order. A missing one is waited for briefly and
 * then told as lost, so that the decoder can conceal it. Bounded. Pure.
 */
import { SequenceUnwrapper } from '../../congestion/feedback/sequence.ts';
import { ReorderBuffer } from './reorder-buffer.ts';
import type { RtpPacket } from './rtp-packet.ts';

export interface ReceivedAudio {
  /** One Opus packet, at least one byte. */
  data: Uint8Array;
  /** 48 kHz, 32 bits. */
  rtpTimestamp: number;
  receivedUs: number;
  /** Packets before this one that never came. */
  lostBefore: number;
}

const LIMITS = { packets: 64, bytes: 128 * 1024 };
/** Three packets of 20 ms: a longer wait would be heard as delay. */
const WAIT_US = 60_000;

export class AudioReception {
  readonly #buffer = new ReorderBuffer(LIMITS);
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #packets: ReceivedAudio[] = [];
  #lost = 0;
  #blockedUs: number | undefined;

  get nextUs(): number {
    return this.#blockedUs === undefined ? Infinity : this.#blockedUs + WAIT_US;
  }

  onPacket({ sequenceNumber, rtpTimestamp, marker, payload }: RtpPacket, nowUs: number): void {
    const sequence = this.#unwrapper.unwrap(sequenceNumber);
    const held = { rtpTimestamp, marker, payload, startsKeyframe: true };
    if (!this.#buffer.insert(sequence, held) && sequence >= (this.#buffer.cursor ?? 0)) {
      this.#lost += 1;
      this.#buffer.skipTo(sequence);
      this.#buffer.insert(sequence, held);
    }
    this.#run(nowUs);
  }

  take(nowUs: number): ReceivedAudio[] {
    this.#run(nowUs);
    return this.#packets.splice(0);
  }

  #run(nowUs: number): void {
    for (;;) {
      for (let packet = this.#buffer.take(); packet; packet = this.#buffer.take()) {
        if (packet.payload.length === 0) continue;
        const { payload: data, rtpTimestamp } = packet;
        this.#packets.push({ data, rtpTimestamp, receivedUs: nowUs, lostBefore: this.#lost });
        this.#lost = 0;
      }
      if (!this.#buffer.blocked) {
        this.#blockedUs = undefined;
        return;
      }
      this.#blockedUs ??= nowUs;
      if (nowUs - this.#blockedUs < WAIT_US) return;
      // Every packet held begins something that can be heard.
      const next = this.#buffer.findKeyframe()!;
      this.#lost += next - this.#buffer.cursor!;
      this.#buffer.skipTo(next);
      this.#blockedUs = undefined;
    }
  }
}
