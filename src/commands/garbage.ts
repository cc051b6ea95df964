/**
 * Collects all garbage now. V8 collects only while a program allocates: when the last viewer has gone, what they left
 * (pictures as array buffers, connections) would stay until somebody comes. For a process of our own only: it stops
 * everything for some 30 ms.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * `usual`: as V8 does it under load. `thorough`: as before it gives up for want of memory, again and again until nothing more
 * is found; the young generation shrinks too. Code that is ready for what nobody does now may be lost, so that the next viewer
 * costs some 20 ms more.
 */
export type Thoroughness = 'usual' | 'thorough';

let collect: ((how: Thoroughness) => void) | undefined;

export function collectGarbage(how: Thoroughness): void {
  collect ??= collector();
  collect(how);
}

/** V8 gives its collector to contexts that are made while the flag is set. */
function collector(): (how: Thoroughness) => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof gc !== 'function') return () => {};
  return (how) => void gc({ type: 'major', flavor: how === 'usual' ? 'regular' : 'last-resort' });
}
