/** `glimpse serve`: runs the service until it is stopped, then shuts it down within its grace. */
import { sleep, systemClock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { createLog } from '../log.ts';
import { startService } from '../service.ts';
import type { Idleness } from '../startup/idle-release.ts';
import { collectGarbage } from './garbage.ts';
import { growHeapFurther } from './heap-growth.ts';
import { ProcessFaults } from './process-faults.ts';

export interface ServeEnd {
  /** False when something still runs after the grace; the process must then be killed. */
  inTime: boolean;
  /** It stopped by itself after too many faults (process-faults.ts). */
  faulty: boolean;
}

/** @param listen routes the process's faults here until its return value is disposed */
export async function serve(
  config: Config,
  signal: AbortSignal,
  listen: (faults: ProcessFaults) => Disposable,
): Promise<ServeEnd> {
  growHeapFurther();
  const log = createLog({ level: config.logLevel });
  const onIdle = (since: Idleness): void => collectGarbage(since === 'idle' ? 'usual' : 'thorough');
  const service = await startService(config, { log, onIdle });
  const faulty = new AbortController();
  using _listening = listen(
    new ProcessFaults({
      log,
      onFault: (kind) => service.metrics.countBy('processFaults', { kind }),
      onTooMany: () => faulty.abort(),
    }),
  );
  const ending = AbortSignal.any([signal, faulty.signal]);
  const ended = new Promise<void>((resolve) => {
    ending.addEventListener('abort', () => resolve(), { once: true });
    if (ending.aborted) resolve();
  });
  try {
    // Waits for a generator that is not up yet, unless the service ends meanwhile.
    await Promise.race([service.ready, ended]);
    if (service.metricsUrl !== undefined) log.info({ url: service.metricsUrl }, 'metrics are on a port of their own');
    if (!ending.aborted)
      log.info({ url: service.url, generator: service.generator.info.name }, `Glimpse is ready: open ${service.url}`);
    await ended;
    log.info({ sessions: service.sessions.size }, 'closing');
  } catch (error) {
    await service.close('server-closing');
    throw error;
  }
  if (faulty.signal.aborted) log.fatal('too many faults in a minute: the service drains and ends with status 1');
  const late = new AbortController();
  const grace = sleep(systemClock, config.drainSeconds * 1000, late.signal).then(() => false);
  const inTime = await Promise.race([service.close('server-closing').then(() => true), grace]);
  late.abort();
  if (!inTime) log.warn('not everything ended within --drain-seconds; the rest is cut off');
  return { inTime, faulty: faulty.signal.aborted };
}
