/** `glimpse serve`: the service until it is told to stop. */
import type { Config } from '../config.ts';
import { createLog } from '../log.ts';
import { startService } from '../service.ts';

export async function serve(config: Config, signal: AbortSignal): Promise<void> {
  const log = createLog({ level: config.logLevel });
  await using service = await startService(config, { log }).then((started) => ({
    ...started,
    [Symbol.asyncDispose]: () => started.close('server-closing'),
  }));
  await service.ready;
  if (service.metricsUrl !== undefined) log.info({ url: service.metricsUrl }, 'metrics are on a port of their own');
  log.info({ url: service.url, generator: service.generator.info.name }, `Glimpse is ready: open ${service.url}`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  log.info('closing');
}
