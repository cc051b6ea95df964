/**
 * Opens inbound SRTP: the packet index by the highest one so far of its SSRC (RFC 3711 section 3.3.1), the tag, then the
 * replay window (section 3.3.2). State for an SSRC begins with its first authentic packet, and few SSRCs have one.
 */
import { rtpHeaderBytes } from '../../receive/rtp-packet.ts';
import { indexOf, SEQUENCE_SPAN } from './packet-index.ts';
import { ReplayWindow } from './replay-window.ts';
import { createSrtpCipher, type SrtpCipher } from './srtp-cipher.ts';
import { deriveRtpKeys, type SrtpMasterKeys } from './srtp-keys.ts';

/** How far packets of one stream may be reordered; a repair comes on an SSRC of its own. */
const WINDOW_PACKETS = 1_024;
/** SSRCs of one client: video, RTX and audio, and what a changed track may add. */
const SOURCES_MAX = 16;

export class SrtpReceiver {
  readonly #cipher: SrtpCipher;
  readonly #windows = new Map<number, ReplayWindow>();

  constructor({ profile, remoteKey, remoteSalt }: SrtpMasterKeys) {
    this.#cipher = createSrtpCipher(profile, deriveRtpKeys(remoteKey, remoteSalt));
  }

  /** The decrypted packet, in a buffer of its own; undefined when it is forged, malformed, a replay or of one SSRC too many. */
  unprotect(datagram: Buffer): Buffer | undefined {
    const headerBytes = rtpHeaderBytes(datagram);
    if (headerBytes === undefined || headerBytes + this.#cipher.tagBytes > datagram.length) return undefined;
    const ssrc = datagram.readUInt32BE(8);
    const known = this.#windows.get(ssrc);
    if (known === undefined && this.#windows.size >= SOURCES_MAX) return undefined;
    const window = known ?? new ReplayWindow(WINDOW_PACKETS);
    const sequenceNumber = datagram.readUInt16BE(2);
    const index = indexOf(sequenceNumber, window.highest);
    if (!window.admits(index)) return undefined;
    const rolloverCounter = Math.floor(index / SEQUENCE_SPAN);
    const clear = this.#cipher.open(datagram, headerBytes, { ssrc, rolloverCounter, sequenceNumber });
    if (clear === undefined) return undefined;
    window.accept(index);
    this.#windows.set(ssrc, window);
    return clear;
  }
}
