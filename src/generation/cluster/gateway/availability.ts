/** Waits for a worker: after a failure another may join within moments, and a stream stands meanwhile. */
import type { Clock } from '../../../clock.ts';
import { GlimpseError } from '../../../errors.ts';
import type { Workers } from './workers.ts';

interface Wait<Found> {
  workers: Workers;
  clock: Clock;
  patienceMs: number;
  signal: AbortSignal | undefined;
  find: () => Found | undefined;
}

/** @throws GlimpseError CLUSTER_DOWN if there is none in time; ABORTED */
export async function untilSome<Found>({ workers, clock, patienceMs, signal, find }: Wait<Found>): Promise<Found> {
  const untilUs = clock.nowUs() + patienceMs * 1_000;
  const found = find();
  if (found) return found;
  const { promise, resolve, reject } = Promise.withResolvers<Found>();
  const abort = (): void => reject(new GlimpseError('ABORTED'));
  const look = (): void => {
    const some = find();
    if (some) resolve(some);
    else if (clock.nowUs() >= untilUs)
      reject(new GlimpseError('CLUSTER_DOWN', { message: 'No worker of the cluster is ready.', retryAfterMs: 1_000 }));
  };
  const offs = [workers.events.on('joined', look), workers.events.on('swept', look)];
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (signal?.aborted) abort();
    return await promise;
  } finally {
    for (const off of offs) off();
    signal?.removeEventListener('abort', abort);
  }
}
