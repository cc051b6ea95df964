/** Builds a worker from a config: generator, engine, its place in the cluster, and a port for probes and metrics. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { systemClock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { GlimpseError } from '../errors.ts';
import { createGenerator, servesDiffusers } from '../generation/create-generator.ts';
import { Engine } from '../generation/engine/engine.ts';
import { memoryBudget } from '../generation/engine/memory-budget.ts';
import type { ModelMemory } from '../generation/engine/model-memory.ts';
import { chosenPack } from '../generation/onnx/pack/pack-choice.ts';
import { ResourceStack } from '../lifetime/resource-stack.ts';
import type { Log } from '../log.ts';
import { Metrics } from '../metrics/metrics.ts';

export interface WorkerService {
  readonly name: string;
  readonly id: string;
  /** URL of the port for probes and metrics; undefined when there is none. */
  readonly probesUrl: string | undefined;
  readonly metrics: Metrics;
  /** Resolves when an operator asks the worker to drain. */
  readonly drainAsked: Promise<void>;
  /** Takes no more jobs; resolves when those it has are done. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Resolves once the worker takes jobs. @throws GlimpseError CONFIG_INVALID, CLUSTER_DOWN, CLUSTER_REFUSED, MODEL_INVALID */
export async function startWorker(config: Config, log: Log, signal: AbortSignal): Promise<WorkerService> {
  if (config.generator === 'cluster' || config.tiersFrom !== undefined)
    throw new GlimpseError('CONFIG_INVALID', { message: 'a worker computes by itself: give it another --generator' });
  const { joinAsWorker } = await import('../generation/cluster/join.ts');
  const metrics = new Metrics();
  const stack = new ResourceStack();
  try {
    let pack = '';
    let memory: ModelMemory | undefined;
    const chosen = config.generator === 'onnx' && !servesDiffusers(config) ? await chosenPack(config) : undefined;
    const settled = chosen ? { ...config, model: chosen.directory, threads: chosen.threads } : config;
    const generator = stack.use(
      await createGenerator(settled, {
        onPack: (known) => (pack = known),
        onMemory: (held) => (memory = held),
        onCaches: (sources) => metrics.addCaches(sources),
        onRestart: () => metrics.count('workerRestarts'),
        onRetried: (retried) => metrics.countBy('retries', retried),
        log,
      }),
    );
    metrics.workflow = generator.info.name;
    const models = memory && { memory, ...memoryBudget(config), warmIdleMs: config.warmIdle * 1_000 };
    const { info } = generator;
    const engine = stack.use(new Engine({ clock: systemClock, info, config, metrics: metrics.engine, models }));
    const parts = { generator, scheduler: engine.scheduler, pack };
    const { worker, bus } = stack.use(await joinAsWorker(config, parts, { log, signal }));
    worker.events.on('ended', (code) => metrics.countBy('workerJobsEnded', { outcome: code ? 'failed' : 'done' }));
    metrics.beforeScrape = () => {
      const { state, jobs, leases, backlogMs } = worker.beat;
      metrics.set('ready', state === 'ready' && bus.connected ? 1 : 0);
      metrics.set('clusterDown', bus.connected ? 0 : 1);
      metrics.set('workerJobs', jobs);
      metrics.set('workerLeases', leases);
      metrics.set('workerBacklogMs', backlogMs);
    };
    const drainAsked = new Promise<void>((resolve) => worker.events.once('drain', resolve));
    const reasons = (): string[] => [
      ...(bus.connected ? [] : ['the connection to NATS is lost']),
      ...(worker.beat.state === 'ready' ? [] : [`the worker is ${worker.beat.state}`]),
    ];
    const probes = await listen(config, { metrics, reasons });
    if (probes) stack.adopt(probes.server, closed);
    await generator.warmUp();
    worker.ready();
    const { name, id } = worker.beat;
    const close = (): Promise<void> => stack.disposeAsync();
    return { name, id, probesUrl: probes?.url, metrics, drainAsked, drain: () => worker.drain(), close };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

interface Probed {
  metrics: Metrics;
  /** Why it is not ready; empty when it is. */
  reasons: () => string[];
}

/** `/healthz`, `/readyz` and `/metrics`, as a gateway has them. Undefined without `--metrics-port`. */
async function listen(
  config: Config,
  { metrics, reasons }: Probed,
): Promise<{ url: string; server: Server } | undefined> {
  const { metricsHost, metricsPort } = config;
  if (metricsPort === undefined) return undefined;
  const server = createServer((request, response) => {
    const answer = (status: number, body: string, type = 'application/json'): void => {
      response.writeHead(status, { 'Content-Type': type }).end(body);
    };
    const path = request.url?.split('?')[0];
    if (path === '/healthz') answer(200, '{"alive":true}');
    else if (path === '/readyz')
      answer(reasons().length === 0 ? 200 : 503, JSON.stringify({ ready: reasons().length === 0, reasons: reasons() }));
    else if (path === '/metrics')
      void metrics.exposition().then(
        ({ text, contentType }) => answer(200, text, contentType),
        () => answer(500, '{}'),
      );
    else answer(404, '{}');
  });
  server.listen(metricsPort, metricsHost);
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : metricsPort;
  return { url: `http://${metricsHost}:${port}`, server };
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
