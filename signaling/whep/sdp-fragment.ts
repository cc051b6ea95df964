/**
 * SDP fragments of trickle ICE (RFC 8840 section 4.4, `application/trickle-ice-sdpfrag`) as WHEP's PATCH carries them:
 * parses one, converts one to the offer of an ICE restart, and builds the answering one. Works on lines only; the
 * session reads the resulting offer like any other.
 */
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import type { IceCandidate } from '../../src/transport/peer/contract.ts';

export interface SdpFragment {
  /** Credentials of the ICE session that the fragment belongs to; undefined when it names none. */
  ufrag: string | undefined;
  pwd: string | undefined;
  candidates: IceCandidate[];
  endOfCandidates: boolean;
}

const linesOf = (text: string): string[] => text.split(/\r?\n/).filter((line) => line !== '');
const valueOf = (lines: readonly string[], prefix: string): string | undefined =>
  lines.find((line) => line.startsWith(prefix))?.slice(prefix.length);
const isCandidate = (line: string): boolean =>
  line.startsWith('a=candidate:') || line.startsWith('a=end-of-candidates');

/**
 * Reads the body of a PATCH.
 * @throws GlimpseError SDP_INVALID, SDP_TOO_LARGE
 */
export function parseFragment(text: string): SdpFragment {
  const lines = linesOf(text);
  if (lines.length > LIMITS.sdpMaxLines) throw new GlimpseError('SDP_TOO_LARGE');
  if (lines.length === 0 || !lines.every((line) => /^[am]=/.test(line))) throw new GlimpseError('SDP_INVALID');
  const ufrag = valueOf(lines, 'a=ice-ufrag:');
  const pwd = valueOf(lines, 'a=ice-pwd:');
  if ((ufrag === undefined) !== (pwd === undefined)) throw new GlimpseError('SDP_INVALID');
  const candidates = candidatesOf(lines, ufrag);
  if (candidates.length > LIMITS.candidatesMax) throw new GlimpseError('SDP_TOO_LARGE');
  return { ufrag, pwd, candidates, endOfCandidates: lines.includes('a=end-of-candidates') };
}

/** A media section is identified by its `mid`; without one, by its position in the fragment. */
function candidatesOf(lines: readonly string[], ufrag: string | undefined): IceCandidate[] {
  const candidates: IceCandidate[] = [];
  let section = -1;
  let mid: string | undefined;
  for (const line of lines) {
    if (line.startsWith('m=')) {
      section++;
      mid = undefined;
    } else if (line.startsWith('a=mid:')) {
      mid = line.slice('a=mid:'.length);
    } else if (line.startsWith('a=candidate:')) {
      const place = mid === undefined ? { sdpMLineIndex: Math.max(section, 0) } : { sdpMid: mid };
      const name = ufrag === undefined ? {} : { usernameFragment: ufrag };
      candidates.push({ candidate: line.slice('a='.length), ...place, ...name });
    }
  }
  return candidates;
}

/** ICE credentials of a whole SDP. All sections are bundled, so the first credentials are the ones in use. */
export function credentialsOf(sdp: string): { ufrag: string | undefined; pwd: string | undefined } {
  const lines = linesOf(sdp);
  return { ufrag: valueOf(lines, 'a=ice-ufrag:'), pwd: valueOf(lines, 'a=ice-pwd:') };
}

/** The offer a full client would have sent: the first offer with the fragment's credentials and candidates. */
export function restartOffer(offerSdp: string, { ufrag, pwd, candidates, endOfCandidates }: SdpFragment): string {
  const renewed = linesOf(offerSdp)
    .filter((line) => !isCandidate(line))
    .map((line) => {
      if (line.startsWith('a=ice-ufrag:')) return `a=ice-ufrag:${ufrag}`;
      if (line.startsWith('a=ice-pwd:')) return `a=ice-pwd:${pwd}`;
      // RFC 3264 section 8: a changed description increments the version in its origin line.
      return line.replace(
        /^(o=\S+ \S+ )(\d{1,20})( )/,
        (_, head, version, tail) => `${head}${BigInt(version) + 1n}${tail}`,
      );
    });
  return withCandidates(
    renewed.join('\r\n'),
    candidates.map(({ candidate }) => candidate),
    endOfCandidates,
  );
}

/** Adds candidates (`candidate:…`) to the first media section, the one a bundle gathers for. */
export function withCandidates(sdp: string, candidates: readonly string[], endOfCandidates: boolean): string {
  const lines = linesOf(sdp);
  const first = lines.findIndex((line) => line.startsWith('m='));
  const second = lines.findIndex((line, index) => index > first && line.startsWith('m='));
  const added = candidates.map((candidate) => `a=${candidate}`);
  if (endOfCandidates) added.push('a=end-of-candidates');
  lines.splice(second === -1 ? lines.length : second, 0, ...added);
  return `${lines.join('\r\n')}\r\n`;
}

/** The answer to an ICE restart: the ICE lines of the SDP answer and of its first media section. */
export function fragmentOf(answerSdp: string): string {
  const lines = linesOf(answerSdp);
  const first = lines.findIndex((line) => line.startsWith('m='));
  const second = lines.findIndex((line, index) => index > first && line.startsWith('m='));
  const session = lines.slice(0, first);
  const section = lines.slice(first, second === -1 ? undefined : second);
  const both = [...session, ...section];
  const kept = [
    ...both.filter((line) => line === 'a=ice-lite' || line.startsWith('a=ice-options:')),
    ...session.filter((line) => line.startsWith('a=group:BUNDLE')),
    ...section.slice(0, 1),
    ...section.filter((line) => line.startsWith('a=mid:')),
    `a=ice-ufrag:${valueOf(both, 'a=ice-ufrag:')}`,
    `a=ice-pwd:${valueOf(both, 'a=ice-pwd:')}`,
    ...section.filter((line) => line.startsWith('a=candidate:')),
    'a=end-of-candidates',
  ];
  return `${[...new Set(kept)].join('\r\n')}\r\n`;
}
