/**
 * The hook for a product's own prompt rules. The filter runs before a prompt reaches a session, whichever way it came.
 * It fails closed: one that throws or takes too long refuses the prompt.
 */
import { systemClock } from '../src/clock.ts';
import { GlimpseError } from '../src/errors.ts';
import { LIMITS } from '../src/limits.ts';
import type { Log } from '../src/log.ts';

export interface PromptContext {
  /** The token's subject; undefined where there are no tokens or it names none. */
  user: string | undefined;
  /** Undefined for the first prompt of a session. */
  sessionId: string | undefined;
  /** Aborts when the answer is no longer waited for. */
  signal: AbortSignal;
}

export type PromptVerdict = { allow: true } | { allow: false; message?: string };

/**
 * @returns `true` or `{ allow: true }` to let a prompt through; `message` is shown to the user and must not quote it
 * @example
 * const filterPrompt: PromptFilter = async (prompt, { signal }) => (await moderate(prompt, signal)).safe;
 */
export type PromptFilter = (prompt: string, context: PromptContext) => Promise<PromptVerdict | boolean>;

export interface FilterOptions {
  filter: PromptFilter | undefined;
  log: Log;
  timeoutMs?: number;
}

/** @throws GlimpseError PROMPT_REFUSED, PROMPT_FILTER_DOWN */
export async function requireAllowed(
  prompt: string,
  { user, sessionId }: Omit<PromptContext, 'signal'>,
  { filter, log, timeoutMs = LIMITS.promptFilterTimeoutMs }: FilterOptions,
): Promise<void> {
  if (!filter) return;
  const timeout = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = systemClock.after(timeoutMs, () => {
    timeout.abort();
    late.reject(new GlimpseError('ABORTED', { message: 'the prompt filter took too long' }));
  });
  const verdict = await Promise.race([ask(filter, prompt, { user, sessionId, signal: timeout.signal }), late.promise])
    .catch((error: unknown) => {
      log.error({ err: error }, 'the prompt filter failed');
      throw new GlimpseError('PROMPT_FILTER_DOWN', { retryAfterMs: 1_000 });
    })
    .finally(() => timer.close());
  if (verdict === true || (typeof verdict === 'object' && verdict.allow)) return;
  const message = typeof verdict === 'object' ? verdict.message : undefined;
  throw new GlimpseError('PROMPT_REFUSED', message === undefined ? {} : { message });
}

/** A filter that throws synchronously fails like one that rejects. */
async function ask(
  filter: PromptFilter,
  prompt: string,
  context: PromptContext,
): Promise<PromptVerdict | boolean | undefined> {
  return filter(prompt, context);
}
