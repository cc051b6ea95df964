/**
 * One address of a peer. A check proves that its sender knows the password, not that it is at the address: whoever knows
 * the password can write any source address. Until a packet from there answers one of ours, at most three times what
 * came from it is sent to it (the rule of RFC 9000 section 8 for QUIC), so that nobody gains by naming a third party.
 */
import type { RemoteAddress } from './ice/stun.ts';

const AMPLIFICATION_MAX = 3;
/** An own check is not sent again sooner. */
const CHECK_INTERVAL_US = 20_000;

export class RemotePath {
  readonly remote: RemoteAddress;
  /** When something authenticated came from it last. */
  heardUs: number;
  /** Transaction of our last check to it; undefined before one. */
  transactionId: Buffer | undefined;
  #checkedUs = -Infinity;
  #proved: boolean;
  #receivedBytes = 0;
  #sentBytes = 0;

  constructor(remote: RemoteAddress, nowUs: number) {
    this.remote = remote;
    this.heardUs = nowUs;
    // A TCP connection has answered our SYN already.
    this.#proved = remote.stream !== undefined;
  }

  /** What is sent to the address arrives where it comes from. */
  get proved(): boolean {
    return this.#proved;
  }

  prove(): void {
    this.#proved = true;
  }

  onReceived(sizeBytes: number): void {
    if (!this.#proved) this.#receivedBytes += sizeBytes;
  }

  /** Takes so many bytes from what may be sent; false takes nothing. */
  maySend(sizeBytes: number): boolean {
    if (this.#proved) return true;
    if (this.#sentBytes + sizeBytes > AMPLIFICATION_MAX * this.#receivedBytes) return false;
    this.#sentBytes += sizeBytes;
    return true;
  }

  /** False when our last check is too young for another. */
  mayCheck(nowUs: number): boolean {
    if (nowUs - this.#checkedUs < CHECK_INTERVAL_US) return false;
    this.#checkedUs = nowUs;
    return true;
  }
}
