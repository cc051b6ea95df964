/**
 * Compares what a process holds before and after: file descriptors, child processes, and everything that keeps Node's
 * event loop alive (sockets, timers, workers). Things may take a moment to go, so the comparison waits for them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

/** Counts by kind; a missing key is zero. */
export type Holdings = Record<string, number>;

export interface LeakOptions {
  /** How long what is closing may take, ms. DTLS retransmission timers run out within a second. */
  settleMs?: number;
  /** Kinds not compared. */
  ignore?: readonly string[];
}

const POLL_MS = 50;
/** Work in flight that ends by itself. */
const ALWAYS_IGNORED = ['FSReqCallback', 'FSReqPromise', 'GetAddrInfoReqWrap', 'Immediate', 'TTYWrap'];

/** What the process holds now. */
export function takeHoldings(): Holdings {
  const holdings: Holdings = { fileDescriptors: countEntries('/proc/self/fd'), children: countChildren() };
  for (const kind of process.getActiveResourcesInfo()) holdings[kind] = (holdings[kind] ?? 0) + 1;
  return holdings;
}

/**
 * Fails unless the process holds no more than `before` of anything, now or within `settleMs`.
 * @example
 * const before = takeHoldings();
 * …
 * await expectNoLeaks(before);
 */
export async function expectNoLeaks(
  before: Holdings,
  { settleMs = 5_000, ignore = [] }: LeakOptions = {},
): Promise<void> {
  const ignored = new Set([...ALWAYS_IGNORED, ...ignore]);
  let extra = difference(before, takeHoldings(), ignored);
  // Counted in looks and not in time: a process that hardly gets to run closes as slowly as it looks.
  for (let looks = settleMs / POLL_MS; Object.keys(extra).length > 0 && looks > 0; looks--) {
    await sleep(POLL_MS);
    extra = difference(before, takeHoldings(), ignored);
  }
  expect(extra, 'held beyond what was held before').toEqual({});
}

function difference(before: Holdings, after: Holdings, ignored: ReadonlySet<string>): Holdings {
  const extra = Object.entries(after).map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const);
  return Object.fromEntries(extra.filter(([kind, count]) => count > 0 && !ignored.has(kind)));
}

/** Zero where there is no /proc. */
function countEntries(path: string): number {
  try {
    return readdirSync(path).length;
  } catch {
    return 0;
  }
}

function countChildren(): number {
  try {
    return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).length;
  } catch {
    return 0;
  }
}
