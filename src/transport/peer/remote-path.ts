/**
 * One remote address of a peer. A check proves that its sender knows the password, not that it is at that address: the
 * source can be forged. Until a packet from the address answers one of ours, it gets at most three times the bytes that
 * came from it (as in RFC 9000 section 8 for QUIC), so that we cannot be used to flood a third party.
 */
import type { RemoteAddress } from './ice/stun.ts';

const AMPLIFICATION_MAX = 3;
/** Minimum interval between two of our checks. */
const CHECK_INTERVAL_US = 20_000;

export class RemotePath {
  readonly remote: RemoteAddress;
  /** Time of its last authenticated input. */
  heardUs: number;
  /** Transaction of our check in flight; undefined while there is none. */
  transactionId: Buffer | undefined;
  #checkedUs = -Infinity;
  #proved: boolean;
  #receivedBytes = 0;
  #sentBytes = 0;

  constructor(remote: RemoteAddress, nowUs: number) {
    this.remote = remote;
    this.heardUs = nowUs;
    // A TCP connection has already answered our SYN.
    this.#proved = remote.stream !== undefined;
  }

  /** The address is validated: packets sent to it reach the sender. */
  get proved(): boolean {
    return this.#proved;
  }

  prove(): void {
    this.#proved = true;
  }

  onReceived(sizeBytes: number): void {
    if (!this.#proved) this.#receivedBytes += sizeBytes;
  }

  /** Takes `sizeBytes` from the send limit; otherwise takes nothing and returns false. */
  maySend(sizeBytes: number): boolean {
    if (this.#proved) return true;
    if (this.#sentBytes + sizeBytes > AMPLIFICATION_MAX * this.#receivedBytes) return false;
    this.#sentBytes += sizeBytes;
    return true;
  }

  /** False when our last check was too recent. */
  mayCheck(nowUs: number): boolean {
    if (nowUs - this.#checkedUs < CHECK_INTERVAL_US) return false;
    this.#checkedUs = nowUs;
    return true;
  }
}
