/**
 * The lines of an SDP offer (RFC 8866 section 5), bounded before anything reads them: bytes, lines, SSRC lines, the
 * length of a candidate, and the shape of each line. Linear in the offer's size. Errors name limits, never content.
 */
import { GlimpseError } from '../../../errors.ts';
import { LIMITS } from '../../../limits.ts';

/** `type=value`; a value may be empty (`s=`), and holds no control characters but the tab. */
// oxlint-disable-next-line no-control-regex
const LINE = /^[a-z]=[^\u0000-\u0008\u000a-\u001f\u007f]*$/;
const SSRC_LINE = /^a=ssrc(?:-group)?:/;

/**
 * Yields each line once, without its end (CRLF or LF).
 * @throws GlimpseError SDP_TOO_LARGE, SDP_INVALID; what has been yielded before is then part of no offer
 */
export function* linesOf(sdp: string): Generator<string, void> {
  const { sdpMaxBytes, sdpMaxLines, sdpMaxSsrcLines, candidateMaxBytes } = LIMITS;
  // The first comparison spares counting the bytes of a much longer text.
  if (sdp.length > sdpMaxBytes || Buffer.byteLength(sdp) > sdpMaxBytes) throw tooLarge('bytes', sdpMaxBytes);
  const lines = sdp.split(/\r?\n/, sdpMaxLines + 2);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > sdpMaxLines) throw tooLarge('lines', sdpMaxLines);
  if (lines[0] !== 'v=0') throw invalid('it does not begin with v=0');
  let ssrcLines = 0;
  for (const line of lines) {
    if (!LINE.test(line)) throw invalid('a line is not of the form type=value');
    if (SSRC_LINE.test(line) && ++ssrcLines > sdpMaxSsrcLines) throw tooLarge('ssrc lines', sdpMaxSsrcLines);
    if (line.length > candidateMaxBytes && line.startsWith('a=candidate:'))
      throw tooLarge('bytes in a candidate', candidateMaxBytes);
    yield line;
  }
}

export function invalid(why: string): GlimpseError {
  return new GlimpseError('SDP_INVALID', { message: `The offer cannot be answered: ${why}.` });
}

export function tooLarge(what: string, limit: number): GlimpseError {
  return new GlimpseError('SDP_TOO_LARGE', { message: `The offer has more than ${limit} ${what}.` });
}
