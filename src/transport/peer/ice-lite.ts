/**
 * The ICE-lite half of a connection (RFC 8445 section 2.5): answers the browser's authenticated checks, follows its
 * nomination, and counts consent (RFC 7675) by the checks that keep coming. It never sends to an address that has not
 * proved the password first. A restart makes new credentials; the old pair carries media until a new one is nominated.
 */
import { randomBytes } from 'node:crypto';
import { writeBindingSuccess, writeRoleConflict, type BindingRequest, type RemoteAddress } from './stun.ts';
import type { MuxEndpoint, UdpMux } from './udp-mux.ts';

/** One offer/answer's worth of ICE credentials. */
interface Generation {
  localUfrag: string;
  localPassword: string;
  remoteUfrag: string;
  remotePassword: string;
}

export class IceLite {
  /** Where to send; undefined until an address has proved itself. */
  remote: RemoteAddress | undefined;
  /** When the last authenticated check came, on the injected clock. */
  lastCheckUs = 0;
  readonly #mux: Pick<UdpMux, 'claim' | 'release' | 'send'>;
  readonly #endpoint: MuxEndpoint;
  /** Oldest first: the one in use, and after a restart the one that may replace it. */
  #generations: Generation[] = [];
  #nominatedUfrag: string | undefined;

  constructor(mux: Pick<UdpMux, 'claim' | 'release' | 'send'>, endpoint: MuxEndpoint) {
    this.#mux = mux;
    this.#endpoint = endpoint;
  }

  /** Credentials to put into the next answer. */
  get local(): { ufrag: string; password: string } {
    const { localUfrag: ufrag, localPassword: password } = this.#generations.at(-1)!;
    return { ufrag, password };
  }

  /**
   * Takes the remote credentials of an offer. Unchanged ones mean an ordinary renegotiation: nothing happens.
   * @returns true when this began a new generation (first offer or ICE restart, RFC 8445 section 9).
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
    // A restart that was never nominated is replaced; the generation that carries media stays.
    const kept = this.#generations.filter(({ localUfrag }) => localUfrag === this.#nominatedUfrag);
    for (const { localUfrag } of this.#generations)
      if (!kept.some((g) => g.localUfrag === localUfrag)) this.#mux.release(localUfrag);
    this.#generations = [...kept, generation];
    this.#mux.claim(generation.localUfrag, generation.localPassword, this.#endpoint);
    return true;
  }

  /**
   * Answers one check whose integrity the mux has verified.
   * @returns false when the check belongs to nobody (stale ufrag, wrong remote ufrag).
   */
  check(request: BindingRequest, from: RemoteAddress, nowUs: number): boolean {
    const generation = this.#generations.find(({ localUfrag }) => localUfrag === request.localUfrag);
    if (generation === undefined || generation.remoteUfrag !== request.remoteUfrag) return false;
    if (request.controlled) {
      this.#mux.send(writeRoleConflict(request.transactionId, generation.localPassword), from);
      return true;
    }
    this.lastCheckUs = nowUs;
    this.#mux.send(writeBindingSuccess(request.transactionId, from, generation.localPassword), from);
    if (request.useCandidate) this.#nominate(generation, from);
    else if (this.#nominatedUfrag === undefined) this.remote = from;
    return true;
  }

  #nominate(generation: Generation, from: RemoteAddress): void {
    const newest = this.#generations.at(-1);
    // Checks of the old generation go on during a restart; they may not take the path back afterwards.
    if (generation !== newest && this.#nominatedUfrag === newest?.localUfrag) return;
    this.remote = from;
    this.#nominatedUfrag = generation.localUfrag;
    if (generation !== newest) return;
    for (const { localUfrag } of this.#generations)
      if (localUfrag !== generation.localUfrag) this.#mux.release(localUfrag);
    this.#generations = [generation];
  }
}
