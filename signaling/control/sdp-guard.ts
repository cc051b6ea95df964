/**
 * Checks an offer before any parser sees it (RFC 8866 lines, RFC 8839 credentials). SDP parsers are quadratic in
 * places and trust counts; this check reads each line once and refuses what no browser sends. Pure: the verdict is
 * data, and its message names counts and limits, never content.
 */
import { LIMITS } from '../../src/limits.ts';

export type SdpVerdict = { ok: true } | { ok: false; code: 'SDP_INVALID' | 'SDP_TOO_LARGE'; message: string };

/** `type=value`; a value may be empty (`s=`), and holds no control characters but the tab. */
// oxlint-disable-next-line no-control-regex
const LINE = /^[a-z]=[^\u0000-\u0008\u000a-\u001f\u007f]*$/;
/** RFC 8839 5.4 allows letters, digits, `+` and `/`; some stacks also use base64's other characters. */
const UFRAG = /^[\w+/=-]{4,256}$/;
const PWD = /^[\w+/=-]{22,256}$/;

const OK: SdpVerdict = { ok: true };
const invalid = (message: string): SdpVerdict => ({ ok: false, code: 'SDP_INVALID', message });
const tooLarge = (what: string, limit: number): SdpVerdict => ({
  ok: false,
  code: 'SDP_TOO_LARGE',
  message: `the SDP has more than ${limit} ${what}`,
});

/** Judges an offer by size and shape; `ok` does not mean that it can be answered. */
export function checkSdp(sdp: string): SdpVerdict {
  if (sdp.length > LIMITS.sdpMaxBytes) return tooLarge('bytes', LIMITS.sdpMaxBytes);
  if (new TextEncoder().encode(sdp).length > LIMITS.sdpMaxBytes) return tooLarge('bytes', LIMITS.sdpMaxBytes);
  const lines = sdp.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > LIMITS.sdpMaxLines) return tooLarge('lines', LIMITS.sdpMaxLines);
  if (lines[0] !== 'v=0') return invalid('the SDP does not begin with v=0');
  if (!lines.every((line) => LINE.test(line))) return invalid('a line of the SDP is not of the form type=value');
  return checkCounts(lines) ?? checkContent(lines) ?? OK;
}

function checkCounts(lines: readonly string[]): SdpVerdict | undefined {
  const count = (...prefixes: string[]) =>
    lines.filter((line) => prefixes.some((prefix) => line.startsWith(prefix))).length;
  const { sdpMaxMediaSections, sdpMaxSsrcLines, candidateMaxBytes } = LIMITS;
  if (count('m=') > sdpMaxMediaSections) return tooLarge('media sections', sdpMaxMediaSections);
  if (count('a=ssrc:', 'a=ssrc-group:') > sdpMaxSsrcLines) return tooLarge('ssrc lines', sdpMaxSsrcLines);
  const long = lines.some((line) => line.startsWith('a=candidate:') && line.length > candidateMaxBytes);
  return long ? tooLarge('bytes in a candidate', candidateMaxBytes) : undefined;
}

function checkContent(lines: readonly string[]): SdpVerdict | undefined {
  const values = (prefix: string) =>
    lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  const ufrags = values('a=ice-ufrag:');
  const passwords = values('a=ice-pwd:');
  if (!lines.some((line) => /^m=video \d/.test(line))) return invalid('the SDP offers no video');
  if (ufrags.length === 0 || passwords.length === 0) return invalid('the SDP has no ICE credentials');
  if (!ufrags.every((ufrag) => UFRAG.test(ufrag))) return invalid('an ice-ufrag is not well formed');
  if (!passwords.every((pwd) => PWD.test(pwd))) return invalid('an ice-pwd is not well formed');
  if (!values('a=fingerprint:').some((value) => /^[\w-]+ [\dA-Fa-f]{2}(:[\dA-Fa-f]{2})+$/.test(value))) {
    return invalid('the SDP has no certificate fingerprint');
  }
  return undefined;
}
