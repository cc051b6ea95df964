/**
 * SRTCP both ways (RFC 3711 section 3.4) over werift's session, which counts the outgoing index and checks incoming
 * tags. It lets replays through; they are dropped here.
 */
import { SrtcpSession as WeriftSrtcp } from 'werift';
import { ReplayWindow } from './replay-window.ts';
import { SRTP_PROFILE, type SrtpMasterKeys } from './srtp-keys.ts';

/** Replay window, packets; RFC 3711 requires at least 64. */
const WINDOW_PACKETS = 128;
/** Sender SSRCs that one client may use for its reports. */
const SENDERS_MAX = 16;
const INDEX_BYTES = 4;

export class SrtcpSession {
  readonly #session: WeriftSrtcp;
  readonly #tagBytesBehindIndex: number;
  readonly #windows = new Map<number, ReplayWindow>();

  constructor({ profile, localKey, localSalt, remoteKey, remoteSalt }: SrtpMasterKeys) {
    this.#session = new WeriftSrtcp({
      profile,
      keys: {
        localMasterKey: localKey,
        localMasterSalt: localSalt,
        remoteMasterKey: remoteKey,
        remoteMasterSalt: remoteSalt,
      },
    });
    // AES-GCM puts the tag before the index (RFC 7714 section 9.2), HMAC-SHA1 after it.
    this.#tagBytesBehindIndex = profile === SRTP_PROFILE.aeadAes128Gcm ? 0 : 10;
  }

  protect(compound: Uint8Array): Buffer {
    return this.#session.encrypt(Buffer.from(compound));
  }

  /** The decrypted compound packet; undefined when it is forged, malformed or a replay. */
  unprotect(datagram: Buffer): Buffer | undefined {
    const indexAt = datagram.length - this.#tagBytesBehindIndex - INDEX_BYTES;
    if (indexAt < 8) return undefined;
    try {
      const clear = this.#session.decrypt(datagram);
      const index = datagram.readUInt32BE(indexAt) & 0x7fff_ffff;
      return this.#windowOf(datagram.readUInt32BE(4))?.accept(index) === true ? clear : undefined;
    } catch {
      return undefined;
    }
  }

  #windowOf(ssrc: number): ReplayWindow | undefined {
    const known = this.#windows.get(ssrc);
    if (known !== undefined || this.#windows.size >= SENDERS_MAX) return known;
    const window = new ReplayWindow(WINDOW_PACKETS);
    this.#windows.set(ssrc, window);
    return window;
  }
}
