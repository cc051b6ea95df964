/**
 * The limits that Node keeps for HTTP/1.1 alone, kept for HTTP/2: a body that is not whole in time is cut off, stream by
 * stream, and a session on which nothing moves is ended with whatever it has open.
 */
import { constants } from 'node:http2';
import type { Http2SecureServer, ServerHttp2Stream } from 'node:http2';
import { LIMITS } from '../../src/limits.ts';

/** Requests one HTTP/2 connection may have open: a page and its parts. Those of one packet are begun in one turn. */
export const HTTP2_STREAMS_MAX = 32;

export interface Http2Times {
  /** From a request's headers to the end of its body. */
  bodyMs: number;
  idleMs: number;
}

const TIMES: Http2Times = { bodyMs: LIMITS.requestTimeoutMs, idleMs: LIMITS.connectionIdleMs };

/** Cutting one off takes a tenth of a millisecond of the event loop; those of one attack come due together. */
const CUTS_PER_TURN = 16;

export function keepHttp2Limits(server: Http2SecureServer, { bodyMs, idleMs }: Http2Times = TIMES): void {
  const due: ServerHttp2Stream[] = [];
  const cut = (): void => {
    for (const stream of due.splice(0, CUTS_PER_TURN))
      if (stream.state.remoteClose !== 1) stream.close(constants.NGHTTP2_CANCEL);
    if (due.length > 0) setImmediate(cut);
  };
  server.on('sessionError', () => {});
  // Closing would wait for streams that never end.
  server.on('session', (session) => session.setTimeout(idleMs, () => session.destroy()));
  server.on('stream', (stream: ServerHttp2Stream) => {
    if (stream.endAfterHeaders) return;
    const deadline = setTimeout(() => {
      if (due.push(stream) === 1) setImmediate(cut);
    }, bodyMs);
    stream.once('close', () => clearTimeout(deadline));
  });
}
