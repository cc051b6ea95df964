/**
 * Collects all garbage now, and gives V8's empty pages back. V8 collects only while a program allocates: when the last
 * viewer has gone, what they left (pictures as array buffers, connections) would stay until somebody comes. For a process
 * of our own only: it stops everything for some 30 ms.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

export function collectGarbage(): void {
  collect ??= collector();
  collect();
}

/** V8 gives its collector to contexts that are made while the flag is set. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  // As before a heap that is full: the young generation shrinks too, which a usual collection leaves as it is.
  return typeof gc === 'function' ? () => void gc({ type: 'major', flavor: 'last-resort' }) : () => {};
}
