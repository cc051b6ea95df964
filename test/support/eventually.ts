/** Waiting for what happens, not for a time: a test says what becomes true, and a slow machine only waits longer. */
import { vi } from 'vitest';

/** Ends a test that waits in vain. It is no claim: nothing takes this long, even beside other programs. */
const GIVE_UP_MS = 120_000;

/** Resolves with what `assertion` returns once it no longer throws; fails with its last error. */
export const eventually = <Value>(assertion: () => Value | Promise<Value>): Promise<Value> =>
  vi.waitFor(assertion, { timeout: GIVE_UP_MS, interval: 10 });
