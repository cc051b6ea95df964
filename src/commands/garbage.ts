/**
 * Runs a full garbage collection now. V8 collects only while a program allocates: after the last viewer has left,
 * their pictures (array buffers) and connections would stay in memory until the next one. It stops the process for
 * some 30 ms, so only for a process of our own.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * `usual`: as V8 collects under load. `thorough`: as V8 collects before it runs out of memory, repeatedly until it
 * finds nothing more; the young generation shrinks too. V8 may discard compiled code that is not in use, which costs
 * the next viewer some 20 ms.
 */
export type Thoroughness = 'usual' | 'thorough';

let collect: ((how: Thoroughness) => void) | undefined;

export function collectGarbage(how: Thoroughness): void {
  collect ??= collector();
  collect(how);
}

/** V8 exposes its collector to contexts created while the flag is set. */
function collector(): (how: Thoroughness) => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof gc !== 'function') return () => {};
  return (how) => void gc({ type: 'major', flavor: how === 'usual' ? 'regular' : 'last-resort' });
}
