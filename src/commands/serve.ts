/** `glimpse serve`: the service until it is told to stop, and then for as long as ending takes, within its grace. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { createLog } from '../log.ts';
import { startService } from '../service.ts';
import { growHeapFurther } from './heap-growth.ts';

/** @returns false when something still ran after the grace; the process then has to be ended */
export async function serve(config: Config, signal: AbortSignal): Promise<boolean> {
  growHeapFurther();
  const log = createLog({ level: config.logLevel });
  const service = await startService(config, { log });
  try {
    await service.ready;
    if (service.metricsUrl !== undefined) log.info({ url: service.metricsUrl }, 'metrics are on a port of their own');
    log.info({ url: service.url, generator: service.generator.info.name }, `Glimpse is ready: open ${service.url}`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    log.info({ sessions: service.sessions.size }, 'closing');
  } catch (error) {
    await service.close('server-closing');
    throw error;
  }
  const late = new AbortController();
  const grace = sleep(config.drainSeconds * 1000, false, { signal: late.signal }).catch(() => false);
  const inTime = await Promise.race([service.close('server-closing').then(() => true), grace]);
  late.abort();
  if (!inTime) log.warn('not everything ended in time; the rest is cut off');
  return inTime;
}
