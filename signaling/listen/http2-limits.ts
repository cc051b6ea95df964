/**
 * Applies to HTTP/2 the limits that Node enforces for HTTP/1.1 only. A stream whose body is not complete in time is
 * reset. A session without traffic is destroyed with all its streams.
 */
import { constants } from 'node:http2';
import type { Http2SecureServer, ServerHttp2Stream } from 'node:http2';
import { systemClock } from '../../src/clock.ts';
import { LIMITS } from '../../src/limits.ts';

/** Open requests of one HTTP/2 connection: a page and its assets. Those of one packet start in one event loop turn. */
export const HTTP2_STREAMS_MAX = 32;

export interface Http2Times {
  /** From a request's headers to the end of its body. */
  bodyMs: number;
  idleMs: number;
}

const TIMES: Http2Times = { bodyMs: LIMITS.requestTimeoutMs, idleMs: LIMITS.connectionIdleMs };

/** Most streams to reset per turn: each takes 0.1 ms of the event loop, and an attack's come due together. */
const CUTS_PER_TURN = 16;

export function keepHttp2Limits(server: Http2SecureServer, { bodyMs, idleMs }: Http2Times = TIMES): void {
  const due: ServerHttp2Stream[] = [];
  const cut = (): void => {
    for (const stream of due.splice(0, CUTS_PER_TURN))
      if (stream.state.remoteClose !== 1) stream.close(constants.NGHTTP2_CANCEL);
    if (due.length > 0) setImmediate(cut);
  };
  server.on('sessionError', () => {});
  // A graceful close would wait for streams that never end.
  server.on('session', (session) => session.setTimeout(idleMs, () => session.destroy()));
  server.on('stream', (stream: ServerHttp2Stream) => {
    if (stream.endAfterHeaders) return;
    const deadline = systemClock.after(bodyMs, () => {
      if (due.push(stream) === 1) setImmediate(cut);
    });
    stream.once('close', () => deadline.close());
  });
}
