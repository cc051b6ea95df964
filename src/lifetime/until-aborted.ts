/** A caller's own wait for shared work: aborting ends the wait, not the work. */
import { GlimpseError } from '../errors.ts';

/** @throws GlimpseError ABORTED when `signal` fires first; else as `work` */
export async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(new GlimpseError('ABORTED'));
  if (signal.aborted) throw new GlimpseError('ABORTED');
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
