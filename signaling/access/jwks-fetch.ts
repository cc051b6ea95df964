/**
 * Fetches token keys for `jose`, and pauses after a failure. Without the pause, each forged token would cause a
 * request while the key server is down or answers with something that is no key set.
 */
import { LIMITS } from '../../src/limits.ts';

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** @param nowMs monotonic */
export function restingFetch(fetchKeys: Fetch = fetch, nowMs: () => number = () => performance.now()): Fetch {
  let failure: { error: unknown; untilMs: number } | undefined;
  return async (url, init) => {
    if (failure && nowMs() < failure.untilMs) throw failure.error;
    try {
      const response = await fetchKeys(url, init);
      const text = await response.text();
      if (response.status !== 200) throw new TypeError(`the server of keys answers ${response.status}`);
      if (!isKeySet(JSON.parse(text))) throw new TypeError('the server of keys answers with no key set');
      failure = undefined;
      return new Response(text);
    } catch (error) {
      failure = { error, untilMs: nowMs() + LIMITS.jwksRestMs };
      throw error;
    }
  };
}

const isKeySet = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && 'keys' in json && Array.isArray(json.keys);
