/**
 * Checks a trickled remote candidate (RFC 8839 section 5.1). An ICE-lite agent sends nothing to candidates: the
 * browser's checks reveal its address. So candidates are only counted and validated; mDNS names are never resolved.
 * Pure.
 */
import { GlimpseError } from '../../../errors.ts';
import { LIMITS } from '../../../limits.ts';

const CANDIDATE =
  /^candidate:[A-Za-z0-9+/]{1,32} [1-9]\d{0,2} [A-Za-z][A-Za-z0-9-]{0,15} \d{1,10} [0-9A-Za-z.:%_-]{1,255} (\d{1,5}) typ [a-z]{1,16}(?: [!-~]+)*$/;

/**
 * @param candidate the `candidate` field of a browser's RTCIceCandidate; empty means the end of candidates
 * @throws GlimpseError CANDIDATE_INVALID
 */
export function checkCandidate(candidate: string): void {
  if (candidate === '') return;
  if (Buffer.byteLength(candidate) > LIMITS.candidateMaxBytes) throw invalid('it is too long');
  const match = CANDIDATE.exec(candidate.replace(/^a=/, '').trimEnd());
  if (match === null || Number(match[1]) > 65_535) throw invalid('it is malformed');
}

/** Counts against `LIMITS.candidatesMax`. @throws GlimpseError CANDIDATE_INVALID */
export function checkCandidateCount(count: number): void {
  if (count > LIMITS.candidatesMax) throw invalid('there are too many');
}

function invalid(why: string): GlimpseError {
  return new GlimpseError('CANDIDATE_INVALID', {
    message: `The ICE candidate cannot be used: ${why}.`,
    details: { candidatesMax: LIMITS.candidatesMax, candidateMaxBytes: LIMITS.candidateMaxBytes },
  });
}
