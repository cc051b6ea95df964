/** `glimpse worker`: computes slices for the gateways of a cluster until it is stopped or drained. */
import { sleep, systemClock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import { createLog } from '../../log.ts';
import { startWorker } from '../../startup/worker-service.ts';
import { growHeapFurther } from '../heap-growth.ts';
import { ProcessFaults } from '../process-faults.ts';
import type { ServeEnd } from '../serve.ts';

/** Beats that say `draining` before the worker is gone, so that gateways look elsewhere first. */
const LAST_BEATS_MS = 300;

/** @param listen routes the process's faults here until its return value is disposed */
export async function worker(
  config: Config,
  signal: AbortSignal,
  listen: (faults: ProcessFaults) => Disposable,
): Promise<ServeEnd> {
  growHeapFurther();
  const log = createLog({ level: config.logLevel });
  const service = await startWorker(config, log, signal);
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
  const { name, id, probesUrl } = service;
  log.info({ worker: name, id, ...(probesUrl === undefined ? {} : { probesUrl }) }, 'the worker takes jobs');
  await Promise.race([ended, service.drainAsked]);
  log.info({ worker: name, id }, 'draining');
  const late = new AbortController();
  const grace = sleep(systemClock, config.drainSeconds * 1_000, late.signal).then(() => false);
  const drained = Promise.all([service.drain(), sleep(systemClock, LAST_BEATS_MS)]).then(() => true);
  const inTime = await Promise.race([drained, grace]);
  late.abort();
  await service.close();
  if (!inTime) log.warn('not every job ended within --drain-seconds; gateways have the rest made elsewhere');
  return { inTime: true, faulty: faulty.signal.aborted };
}
