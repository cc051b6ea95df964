/**
 * ICE state of one WHEP or WHIP session: the ICE session its ETag names, and the offer that an ICE restart starts from. PATCH
 * requests may overlap and arrive out of order (section 4.4.1 of draft-ietf-wish-whep), so they run one by one.
 */
import { randomUUID } from 'node:crypto';
import { GlimpseError } from '../../src/errors.ts';
import { SerialQueue } from '../../src/lifetime/serial-queue.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Session } from '../../src/session/contract.ts';
import { credentialsOf, fragmentOf, restartOffer } from './sdp-fragment.ts';
import type { SdpFragment } from './sdp-fragment.ts';

export type PatchResult = { kind: 'trickled' } | { kind: 'restarted'; fragment: string; etag: string };

/** What an ICE session belongs to: a viewer's session, or a camera's publication. */
type Connected = Pick<Session, 'restart' | 'addCandidate'>;

export class WhepResource<Of extends Connected = Session> {
  readonly session: Of;
  #offerSdp: string;
  #etag = newEtag();
  #candidates = 0;
  readonly #patches = new SerialQueue(LIMITS.messagesPendingMax);

  constructor(session: Of, offerSdp: string) {
    this.session = session;
    this.#offerSdp = offerSdp;
  }

  /** Strong entity tag of the current ICE session, quotes included. */
  get etag(): string {
    return this.#etag;
  }

  /**
   * Applies a fragment: candidates of the current ICE session, or a restart when its credentials are new.
   * @param ifMatch the request's header
   * @throws GlimpseError PRECONDITION_REQUIRED, PRECONDITION_FAILED, SDP_INVALID, SDP_TOO_LARGE, CANDIDATE_INVALID, RATE_LIMITED
   */
  patch(fragment: SdpFragment, ifMatch: string | undefined): Promise<PatchResult> {
    return this.#patches.run(() => this.#apply(fragment, ifMatch));
  }

  async #apply(fragment: SdpFragment, ifMatch: string | undefined): Promise<PatchResult> {
    const { ufrag, pwd } = credentialsOf(this.#offerSdp);
    const isPresent = fragment.ufrag !== undefined && fragment.ufrag === ufrag && fragment.pwd === pwd;
    // Its credentials identify the ICE session as well as the tag; the player `whip-whep` sends no tag.
    if (ifMatch === undefined && !isPresent) throw new GlimpseError('PRECONDITION_REQUIRED');
    if (ifMatch !== undefined && !matches(ifMatch, this.#etag)) throw new GlimpseError('PRECONDITION_FAILED');
    const renewed = fragment.ufrag !== undefined && !isPresent;
    return renewed ? this.#restart(fragment) : this.#trickle(fragment);
  }

  async #trickle({ candidates, endOfCandidates }: SdpFragment): Promise<PatchResult> {
    this.#candidates += candidates.length;
    if (this.#candidates > LIMITS.candidatesMax) {
      throw new GlimpseError('CANDIDATE_INVALID', {
        message: `This session has sent more than ${LIMITS.candidatesMax} candidates.`,
      });
    }
    for (const candidate of endOfCandidates ? [...candidates, null] : candidates) {
      try {
        await this.session.addCandidate(candidate);
      } catch (error) {
        // The draft: an unusable candidate is silently discarded and the others are processed.
        if (!(error instanceof GlimpseError) || error.code !== 'CANDIDATE_INVALID') throw error;
      }
    }
    return { kind: 'trickled' };
  }

  /** A refused restart leaves the current ICE session unchanged. */
  async #restart(fragment: SdpFragment): Promise<PatchResult> {
    const offer = restartOffer(this.#offerSdp, fragment);
    const answer = await this.session.restart(offer);
    this.#offerSdp = offer;
    this.#etag = newEtag();
    this.#candidates = fragment.candidates.length;
    return { kind: 'restarted', fragment: fragmentOf(answer), etag: this.#etag };
  }
}

const newEtag = (): string => `"${randomUUID()}"`;

/** RFC 9110 13.1.1, strong comparison; `*` (quoted too, as the draft's example has it) is any ICE session. */
function matches(ifMatch: string, etag: string): boolean {
  return ifMatch.split(',').some((tag) => ['*', '"*"', etag].includes(tag.trim()));
}
