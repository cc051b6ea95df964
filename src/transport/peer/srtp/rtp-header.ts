/**
 * Writes RTP headers (RFC 3550 section 5.1) with one-byte header extensions (RFC 8285) from a template: constant fields
 * are written once per stream, the others into each packet's copy. Pure.
 */
import type { NegotiatedVideo, OutgoingRtp } from '../../media-path.ts';

const FIXED_HEADER_BYTES = 12;
const EXTENSION_HEADER_BYTES = 4;
const ONE_BYTE_PROFILE = 0xbede;
/** abs-send-time is seconds in 6.18 fixed point: it wraps every 64 s. */
const ABS_SEND_TIME_UNITS_PER_SECOND = 2 ** 18;
/** Minimum and maximum in twelve bits each, in units of 10 ms. */
const PLAYOUT_DELAY_UNIT_MS = 10;
const PLAYOUT_DELAY_UNITS_MAX = 0xfff;

export interface HeaderValues {
  packet: Pick<OutgoingRtp, 'sequenceNumber' | 'rtpTimestamp' | 'marker' | 'payloadType' | 'playoutDelayMs'>;
  /** Low 16 bits of the transport-wide number. */
  transportSequence: number;
  /** Unix time in milliseconds. */
  wallMs: number;
}

/** The header of every packet of one SSRC. */
export class RtpHeaderTemplate {
  readonly sizeBytes: number;
  readonly #bytes: Buffer;
  readonly #transportWideCcAt: number | undefined;
  readonly #absSendTimeAt: number | undefined;
  readonly #playoutDelayAt: number | undefined;
  /** Largest playout delay that the receiver may choose by itself, in the extension's units. */
  readonly #ownDelayUnits: number;

  /** @param ownDelayMs how long the receiver may delay frames by itself; default 0: not at all */
  constructor(ssrc: number, { mid, extensions }: Pick<NegotiatedVideo, 'mid' | 'extensions'>, ownDelayMs = 0) {
    this.#ownDelayUnits = ownDelayMs / PLAYOUT_DELAY_UNIT_MS;
    const elements: [id: number, value: Buffer][] = [];
    const at = new Map<number, number>();
    let offset = FIXED_HEADER_BYTES + EXTENSION_HEADER_BYTES;
    const put = (id: number | undefined, value: Buffer): void => {
      if (id === undefined || value.length === 0) return;
      elements.push([id, value]);
      at.set(id, offset + 1);
      offset += 1 + value.length;
    };
    put(extensions.absSendTime, Buffer.alloc(3));
    put(extensions.transportWideCc, Buffer.alloc(2));
    put(extensions.mid, Buffer.from(mid));
    const ownDelay = Buffer.alloc(3);
    ownDelay.writeUIntBE(this.#ownDelayUnits, 0, 3);
    put(extensions.playoutDelay, ownDelay);
    this.sizeBytes = elements.length === 0 ? FIXED_HEADER_BYTES : (offset + 3) & ~3;
    this.#bytes = Buffer.alloc(this.sizeBytes);
    this.#bytes[0] = 0x80;
    this.#bytes.writeUInt32BE(ssrc, 8);
    if (elements.length > 0) this.#writeExtensions(elements, at);
    this.#transportWideCcAt = at.get(extensions.transportWideCc ?? 0);
    this.#absSendTimeAt = at.get(extensions.absSendTime ?? 0);
    this.#playoutDelayAt = at.get(extensions.playoutDelay ?? 0);
  }

  /** Writes the header at the start of `out`. */
  write(out: Buffer, { packet, transportSequence, wallMs }: HeaderValues): void {
    this.#bytes.copy(out);
    out[1] = packet.payloadType | (packet.marker ? 0x80 : 0);
    out[2] = packet.sequenceNumber >>> 8;
    out[3] = packet.sequenceNumber;
    out.writeUInt32BE(packet.rtpTimestamp >>> 0, 4);
    if (this.#transportWideCcAt !== undefined) {
      out[this.#transportWideCcAt] = transportSequence >>> 8;
      out[this.#transportWideCcAt + 1] = transportSequence;
    }
    if (this.#absSendTimeAt !== undefined) {
      const units = Math.floor(((wallMs / 1000) % 64) * ABS_SEND_TIME_UNITS_PER_SECOND);
      out.writeUIntBE(units & 0xff_ffff, this.#absSendTimeAt, 3);
    }
    // The template's value, minimum 0: show each frame once it is complete. A reserve sets minimum and maximum to one
    // value, because the viewer's own estimate under loss is longer and no smoother; unless it has to wait for sound.
    const { playoutDelayMs = 0 } = packet;
    if (this.#playoutDelayAt !== undefined && playoutDelayMs > 0) {
      const units = Math.min(Math.round(playoutDelayMs / PLAYOUT_DELAY_UNIT_MS), PLAYOUT_DELAY_UNITS_MAX);
      out.writeUIntBE((units << 12) | Math.max(units, this.#ownDelayUnits), this.#playoutDelayAt, 3);
    }
  }

  #writeExtensions(elements: readonly [id: number, value: Buffer][], at: ReadonlyMap<number, number>): void {
    this.#bytes[0] = 0x90;
    this.#bytes.writeUInt16BE(ONE_BYTE_PROFILE, FIXED_HEADER_BYTES);
    const words = (this.sizeBytes - FIXED_HEADER_BYTES - EXTENSION_HEADER_BYTES) / 4;
    this.#bytes.writeUInt16BE(words, FIXED_HEADER_BYTES + 2);
    for (const [id, value] of elements) {
      const valueAt = at.get(id)!;
      this.#bytes[valueAt - 1] = (id << 4) | (value.length - 1);
      value.copy(this.#bytes, valueAt);
    }
  }
}
