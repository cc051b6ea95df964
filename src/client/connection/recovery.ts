/**
 * Repairs a broken link: first what keeps the picture at least cost (ICE restart), then the same session over new
 * transports (`resume`). When the server no longer knows the session, it opens a new one with the same request.
 */
import type { GenerationRequest } from '../wire.ts';
import { backoffMs, pause } from './backoff.ts';
import { aborted, toClientError } from '../errors.ts';
import type { Link } from './link.ts';
import type { Accepted, RoomOptions } from '../options.ts';

/** An existing path is found within a few round trips; after this long, another attempt is due. */
const PATH_TIMEOUT_MS = 4_000;

/** What a new session asks for: the arguments of `Link.start`. */
export type Restart = [request: GenerationRequest, room: RoomOptions | undefined];

export interface RecoveryPlan {
  /** The request for a new session; undefined where a lost session is final. */
  lostRequest: (() => Restart) | undefined;
  /** Minimum delay before the first attempt, ms, from a `bye` of the server. */
  waitMs: number;
  signal: AbortSignal;
}

/**
 * Tries until it works, the plan's signal aborts, or the server answers with an error that a retry cannot change.
 * @returns what the server accepted; undefined when the session never stopped
 * @throws GlimpseClientError ABORTED, or the server's last error
 */
export async function recover(
  link: Link,
  { lostRequest, waitMs, signal }: RecoveryPlan,
): Promise<Accepted | undefined> {
  if (waitMs === 0 && link.socketIsOpen && (await restarted(link))) return undefined;
  let leastMs = waitMs;
  let sessionIsGone = false;
  for (let attempt = 0; !signal.aborted; attempt++) {
    await pause(Math.max(leastMs, backoffMs(attempt, Math.random())), signal);
    if (signal.aborted) break;
    try {
      const accepted = await (sessionIsGone && lostRequest ? link.start(...lostRequest()) : link.resume());
      // The server has resumed the session; the peer connection finds out whether there is a path.
      if (await link.connected(PATH_TIMEOUT_MS)) return accepted;
      sessionIsGone = false;
      attempt = 0;
      leastMs = 0;
    } catch (thrown) {
      const error = toClientError(thrown);
      const lost = error.code === 'SESSION_NOT_FOUND' && lostRequest !== undefined && !sessionIsGone;
      if (lost) {
        sessionIsGone = true;
        attempt = -1;
      } else if (!error.retryable) throw error;
      leastMs = error.retryAfterMs ?? 0;
    }
  }
  throw aborted();
}

async function restarted(link: Link): Promise<boolean> {
  try {
    return await link.restart();
  } catch {
    return false;
  }
}
