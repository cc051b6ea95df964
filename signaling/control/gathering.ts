/**
 * Local candidates for an answer that cannot be trickled: WHEP's 201 must name all of them (section 4.4.2 of
 * draft-ietf-wish-whep). This server has one UDP port and knows its candidates when it answers, so this rarely waits.
 */
import { LIMITS } from '../../src/limits.ts';
import type { Session } from '../../src/session/contract.ts';
import { withCandidates } from '../whep/sdp-fragment.ts';

export interface Gathering {
  /** The answer with all candidates in it. */
  complete(answerSdp: string): Promise<string>;
  stop(): void;
}

/** Starts listening; call before the session answers. */
export function gatherCandidates(session: Session, timeoutMs: number = LIMITS.whepGatherTimeoutMs): Gathering {
  const candidates: string[] = [];
  const done = Promise.withResolvers<void>();
  const stops = [
    session.events.on('candidate', (candidate) => {
      if (candidate === null || candidate.candidate === '') done.resolve();
      else candidates.push(candidate.candidate);
    }),
    session.events.on('closed', () => done.resolve()),
  ];
  return {
    async complete(answerSdp) {
      if (/^a=candidate:/m.test(answerSdp)) return answerSdp;
      const timer = setTimeout(done.resolve, timeoutMs);
      await done.promise;
      clearTimeout(timer);
      return withCandidates(answerSdp, candidates, true);
    },
    stop: () => stops.forEach((off) => off()),
  };
}
