/**
 * The ICE-lite side of a connection (RFC 8445 section 2.5): answers the browser's authenticated checks, follows its
 * nomination, and tracks consent (RFC 7675) per address from authenticated input. Beyond a lite agent it checks each
 * new address itself, and media moves there once that check is answered. A restart creates new credentials; the old
 * pair carries media until a new one is nominated.
 */
import { randomBytes } from 'node:crypto';
import { RemotePath } from '../remote-path.ts';
import {
  addressKey,
  hasIntegrity,
  writeBindingRequest,
  writeBindingSuccess,
  writeRoleConflict,
  type BindingRequest,
  type BindingSuccess,
  type RemoteAddress,
} from './stun.ts';
import type { MuxEndpoint, UdpMux } from './udp-mux.ts';

/** Addresses per peer: a laptop with VPNs has a handful of interfaces, each with one NAT mapping. */
const PATHS_MAX = 16;

/** The ICE credentials of one offer and answer. */
interface Generation {
  localUfrag: string;
  localPassword: string;
  remoteUfrag: string;
  remotePassword: string;
}

/** The methods of the mux that it uses. */
export type IceMux = Pick<UdpMux, 'claim' | 'release' | 'send' | 'admit' | 'revoke' | 'expect' | 'drop'>;

export class IceLite {
  readonly #mux: IceMux;
  readonly #endpoint: MuxEndpoint;
  /** Oldest first: the one in use, and after a restart its possible successor. */
  #generations: Generation[] = [];
  #nominatedUfrag: string | undefined;
  readonly #paths = new Map<string, RemotePath>();
  #current: RemotePath | undefined;
  /** Nominated, but not validated yet. */
  #next: RemotePath | undefined;
  #consented = true;

  constructor(mux: IceMux, endpoint: MuxEndpoint) {
    this.#mux = mux;
    this.#endpoint = endpoint;
  }

  /** Where to send; undefined until an address has passed an authenticated check, and after consent expired. */
  get remote(): RemoteAddress | undefined {
    return this.#consented ? this.#current?.remote : undefined;
  }

  /** Last authenticated input from the address that gets media; undefined before any. */
  get heardUs(): number | undefined {
    return this.#current?.heardUs;
  }

  /** Credentials to put into the next answer. */
  get local(): { ufrag: string; password: string } {
    const { localUfrag: ufrag, localPassword: password } = this.#generations.at(-1)!;
    return { ufrag, password };
  }

  /**
   * Takes the remote credentials of an offer. Unchanged ones mean an ordinary renegotiation and have no effect.
   * @returns true when this began a new generation (first offer or ICE restart, RFC 8445 section 9)
   */
  begin(remoteUfrag: string, remotePassword: string): boolean {
    const newest = this.#generations.at(-1);
    if (newest?.remoteUfrag === remoteUfrag && newest.remotePassword === remotePassword) return false;
    const generation: Generation = {
      localUfrag: randomBytes(6).toString('base64'),
      localPassword: randomBytes(18).toString('base64'),
      remoteUfrag,
      remotePassword,
    };
    // Replaces a restart that was never nominated; keeps the generation that carries media.
    const kept = this.#generations.filter(({ localUfrag }) => localUfrag === this.#nominatedUfrag);
    for (const { localUfrag } of this.#generations)
      if (!kept.some((g) => g.localUfrag === localUfrag)) this.#mux.release(localUfrag);
    this.#generations = [...kept, generation];
    this.#mux.claim(generation.localUfrag, generation.localPassword, this.#endpoint);
    return true;
  }

  /**
   * Answers one check whose integrity the mux has verified.
   * @returns false when the check matches no generation (stale local ufrag, wrong remote ufrag)
   */
  check(request: BindingRequest, from: RemoteAddress, nowUs: number): boolean {
    const generation = this.#generations.find(({ localUfrag }) => localUfrag === request.localUfrag);
    if (generation === undefined || generation.remoteUfrag !== request.remoteUfrag) return false;
    const path = this.#pathTo(from, nowUs);
    path.onReceived(request.sizeBytes);
    if (request.controlled) {
      this.#sendTo(path, writeRoleConflict(request.transactionId, generation.localPassword));
      return true;
    }
    this.#hear(path, nowUs);
    // Before the answer: the client then answers our check first, and its next packet finds the address validated.
    if (!path.proved) this.#checkPath(path, generation, nowUs);
    this.#sendTo(path, writeBindingSuccess(request.transactionId, from, generation.localPassword));
    if (request.useCandidate) this.#nominate(generation, path);
    else if (this.#nominatedUfrag === undefined) this.#moveTo(path);
    return true;
  }

  /** Takes the answer to one of our checks: it proves that the peer receives at that address. */
  onAnswer(datagram: Buffer, answer: BindingSuccess, from: RemoteAddress, nowUs: number): boolean {
    const path = this.#paths.get(addressKey(from));
    if (path?.transactionId?.equals(answer.transactionId) !== true) return false;
    if (!this.#generations.some(({ remotePassword }) => hasIntegrity(datagram, answer, remotePassword))) return false;
    this.#mux.expect(answer.transactionId, undefined);
    path.transactionId = undefined;
    this.#hear(path, nowUs);
    this.#prove(path);
    return true;
  }

  /** A datagram came from an address that the mux maps to this peer; it is not authenticated. */
  onReceived(from: RemoteAddress, sizeBytes: number): void {
    this.#paths.get(addressKey(from))?.onReceived(sizeBytes);
  }

  /** Authenticated input (SRTCP, a DTLS record) came from this address, and renews its consent. */
  onAuthentic(from: RemoteAddress, nowUs: number): void {
    const path = this.#paths.get(addressKey(from));
    if (path) this.#hear(path, nowUs);
  }

  /** Input came from this address that requires having read our packets. */
  onProof(from: RemoteAddress): void {
    const path = this.#paths.get(addressKey(from));
    if (path) this.#prove(path);
  }

  /** Sends to the current address; drops what exceeds the limit of an address that is not validated. */
  send(datagram: Buffer): void {
    if (this.#consented && this.#current) this.#sendTo(this.#current, datagram);
  }

  /** Checks whether the current address still listens. */
  askConsent(nowUs: number): void {
    const generation = this.#generations.at(-1);
    if (this.#current && generation) this.#checkPath(this.#current, generation, nowUs);
  }

  /** RFC 7675 section 5.1: stops sending to the address until it is heard again. */
  loseConsent(): void {
    this.#consented = false;
  }

  #hear(path: RemotePath, nowUs: number): void {
    path.heardUs = nowUs;
    if (path === this.#current) this.#consented = true;
  }

  #pathTo(from: RemoteAddress, nowUs: number): RemotePath {
    const key = addressKey(from);
    this.#mux.admit(from, this.#endpoint);
    const known = this.#paths.get(key);
    // The same port may return on another TCP connection.
    if (known && known.remote.stream === from.stream) return known;
    if (this.#paths.size >= PATHS_MAX) this.#forgetOldest();
    const path = new RemotePath(from, nowUs);
    this.#paths.set(key, path);
    return path;
  }

  #forgetOldest(): void {
    const spare = [...this.#paths.values()].filter((path) => path !== this.#current);
    const oldest = spare.reduce((a, b) => (a.heardUs <= b.heardUs ? a : b));
    this.#paths.delete(addressKey(oldest.remote));
    if (oldest.transactionId) this.#mux.expect(oldest.transactionId, undefined);
    this.#mux.revoke(oldest.remote, this.#endpoint);
    if (this.#next === oldest) this.#next = undefined;
  }

  #checkPath(path: RemotePath, { localUfrag, remoteUfrag, remotePassword }: Generation, nowUs: number): void {
    if (!path.mayCheck(nowUs)) return;
    // A repeated check keeps its transaction: the answer may take longer than the client's next check.
    if (path.transactionId === undefined) {
      path.transactionId = randomBytes(12);
      this.#mux.expect(path.transactionId, this.#endpoint);
    }
    this.#sendTo(
      path,
      writeBindingRequest({
        transactionId: path.transactionId,
        username: `${remoteUfrag}:${localUfrag}`,
        password: remotePassword,
        useCandidate: false,
        controlled: true,
      }),
    );
  }

  #sendTo(path: RemotePath, datagram: Buffer): void {
    if (path.maySend(datagram.length)) this.#mux.send(datagram, path.remote);
    else this.#mux.drop('unproven');
  }

  #prove(path: RemotePath): void {
    path.prove();
    this.#mux.admit(path.remote, this.#endpoint, true);
    if (path === this.#next) this.#moveTo(path);
  }

  /** A validated path carries media until its successor is validated too. */
  #moveTo(path: RemotePath): void {
    if (this.#current?.proved === true && !path.proved) {
      this.#next = path;
      return;
    }
    this.#current = path;
    this.#next = undefined;
    this.#consented = true;
  }

  #nominate(generation: Generation, path: RemotePath): void {
    const newest = this.#generations.at(-1);
    // During a restart, checks of the old generation continue; they must not take the path back afterwards.
    if (generation !== newest && this.#nominatedUfrag === newest?.localUfrag) return;
    if (path === this.#current) this.#next = undefined;
    this.#moveTo(path);
    this.#nominatedUfrag = generation.localUfrag;
    if (generation !== newest) return;
    for (const { localUfrag } of this.#generations)
      if (localUfrag !== generation.localUfrag) this.#mux.release(localUfrag);
    this.#generations = [generation];
  }
}
