/** A gateway with a generator of its own computes for the others of its cluster too. */
import type { Config } from '../config/config.ts';
import type { JoinedWorker, WorkerParts } from '../generation/cluster/join.ts';
import type { Log } from '../log.ts';

/** Undefined outside a cluster, and where workers make some of the tiers. NATS is loaded only for a cluster. */
export async function sharedWork(config: Config, parts: WorkerParts, log: Log): Promise<JoinedWorker | undefined> {
  if (config.cluster === undefined || config.generator === 'cluster' || config.tiersFrom !== undefined)
    return undefined;
  const { joinAsWorker } = await import('../generation/cluster/join.ts');
  return joinAsWorker(config, parts, { log });
}
