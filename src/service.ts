/**
 * Builds the whole service from a config and shuts it down: generator, encoder, peer host, sessions, signaling. The
 * command line, the tests and the benches all start it here, so they all run the same code.
 */
import { LIMITS } from './limits.ts';
import { judgeReadiness, type Readiness } from '../signaling/http/health.ts';
import { iceServersFrom } from '../signaling/ice-servers.ts';
import { accessOf, metricsPlaceOf, warnings } from '../signaling/access/settings.ts';
import type { PromptFilter } from '../signaling/prompt-filter.ts';
import { startSignaling } from '../signaling/server.ts';
import { tlsFilesOf } from '../signaling/listen/tls.ts';
import { Clips } from './clips/clip-library.ts';
import { makeClip } from './clips/make-clip.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config/config.ts';
import { ErrorLog } from './error-log.ts';
import { GlimpseError } from './errors.ts';
import type { ListenerErrorHandler } from './events.ts';
import { CIRCUIT_STATES } from './generation/recovery/circuit.ts';
import { gradeCosts } from './generation/onnx/pack/calibration.ts';
import { createGenerator, servesDiffusers, type ClusterView } from './generation/create-generator.ts';
import { Engine } from './generation/engine/engine.ts';
import type { CacheSource } from './metrics/cache-source.ts';
import type { Generator } from './generation/generator.ts';
import { memoryBudget } from './generation/engine/memory-budget.ts';
import { PRESSURES } from './generation/engine/memory-pressure.ts';
import type { ModelMemory } from './generation/engine/model-memory.ts';
import { PackCalibrator } from './generation/onnx/pack/pack-calibrator.ts';
import { chosenPack } from './generation/onnx/pack/pack-choice.ts';
import { REDUCTIONS } from './generation/recovery/reduction.ts';
import type { RetryHealth } from './generation/recovery/retrying-generator.ts';
import { idleRelease, type Idleness } from './startup/idle-release.ts';
import { createLog, type Log } from './log.ts';
import { VIDEO_CODECS, type EncoderFactory } from './media/encode/encoder.ts';
import { encoderFactory } from './media/encode/encoders.ts';
import { ladder } from './picture/rungs.ts';
import { SharedLoops } from './media/loops/shared-loops.ts';
import { sharedWork } from './startup/shared-work.ts';
import { warmUp } from './startup/warm-up.ts';
import { Metrics } from './metrics/metrics.ts';
import { Sessions } from './session/registry.ts';
import type { ViewerLatency } from './viewer/deps.ts';
import { ResourceStack } from './lifetime/resource-stack.ts';
import { PacerTimer } from './transport/pacing/pacer-timer.ts';
import type { PeerHost } from './transport/peer/contract.ts';
import { inputsFor } from './startup/uploads.ts';
import { TracedGenerator } from './tracing.ts';
import { mediaAddressOf } from './config/media-address.ts';
import { pageDirectory } from './startup/page-directory.ts';
import { createPeerHost } from './transport/peer/peer-host.ts';

export interface Service {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** URL of the metrics port; undefined when there is none. */
  readonly metricsUrl: string | undefined;
  readonly generator: Generator;
  readonly engine: Engine;
  readonly sessions: Sessions;
  readonly peers: PeerHost;
  readonly metrics: Metrics;
  /** Resolves when `/readyz` answers 200: model warm, encoder alive. Rejects with the reason it cannot. */
  readonly ready: Promise<void>;
  close(reason: string): Promise<void>;
}

export interface ServiceOptions {
  log?: Log;
  /** Replaces the configured encoder: for products with a hardware encoder, and for benches that measure it. */
  createEncoder?: EncoderFactory;
  /** The product's own rules for prompts; asked before any prompt reaches a session. Fails closed. */
  filterPrompt?: PromptFilter;
  /** Directory of the page to serve at `/`. Default: the demo page, where it is built. */
  pageDirectory?: string | undefined;
  /** Called for every latency as it is measured, in addition to the metrics. */
  onLatency?: (latency: ViewerLatency, ms: number) => void;
  /** Called some seconds after the start or the last session, and again when `warmIdle` has emptied the caches. */
  onIdle?: (since: Idleness) => void;
}

/** @throws GlimpseError CONFIG_INVALID, MODEL_INVALID */
export async function startService(config: Config, options: ServiceOptions = {}): Promise<Service> {
  const log = options.log ?? createLog({ level: config.logLevel });
  const iceServers = iceServersFrom({ ...config, urls: config.iceServers });
  const errors = new ErrorLog(log);
  const metrics = new Metrics();
  const onListenerError: ListenerErrorHandler = (error, event) => {
    log.error({ err: error, event }, 'a listener failed');
    metrics.count('listenerErrors');
  };
  const stack = new ResourceStack();
  try {
    const access = stack.adopt(await accessOf(config, { metrics, log }), (door) => door.close());
    for (const warning of warnings(config)) log.warn(warning);
    const chosen = config.generator === 'onnx' && !servesDiffusers(config) ? await chosenPack(config) : undefined;
    // A calibration made now applies at the next start; this run keeps its pack.
    const settled = chosen ? { ...config, model: chosen.directory, threads: chosen.threads } : config;
    let memory: ModelMemory | undefined;
    const caches: CacheSource[] = [];
    const addCaches = (sources: readonly CacheSource[]): void => {
      caches.push(...sources);
      metrics.addCaches(sources);
    };
    let cluster: ClusterView | undefined;
    let pack = '';
    let retryHealth: (() => RetryHealth) | undefined;
    const generator = stack.use(
      new TracedGenerator(
        await createGenerator(settled, {
          onListenerError,
          onRestart: () => metrics.count('workerRestarts'),
          onRetrying: (health) => (retryHealth = health),
          onRetried: (retried) => metrics.countBy('retries', retried),
          onMemory: (held) => (memory = held),
          onPressure: (pressure, ratio) => {
            metrics.engine.set('memoryPressure', PRESSURES.indexOf(pressure));
            log.warn({ pressure, ratio }, 'memory pressure at a generating server has changed');
          },
          onPack: (known) => (pack = known),
          onCluster: (joined) => (cluster = joined),
          onClusterEvent: (event) => metrics.countBy('clusterEvents', { event }),
          log,
          onChosen: ({ name, family }) => log.info({ workflow: name, family: `LTX-${family}` }, 'model family chosen'),
          onCaches: (sources) => addCaches(sources),
          onCacheTrouble: (trouble) => log.warn(trouble, 'the cache folder cannot be used; caching in memory alone'),
        }),
      ),
    );
    metrics.workflow = generator.info.name;
    metrics.set('sessionLimit', config.maxSessions);
    const createEncoder = options.createEncoder ?? encoderFactory(config.encoder);
    const peers = stack.adopt(
      await createPeerHost({
        ...mediaAddressOf(config),
        log,
        onListenerError,
        tcpPort: config.rtcTcpPort,
        ...(config.rtcAnnounce === undefined ? {} : { announceHost: config.rtcAnnounce }),
      }),
      (host) => host.close(),
    );
    const calibrator =
      chosen &&
      stack.use(
        new PackCalibrator({
          chosen,
          model: config.model,
          when: config.calibrate,
          isBusy: () => sessions.size > 0,
          onKnown: (calibration) => {
            const tiers = generator.info.tiers.map(({ tier }) => tier);
            sessions.usualTier = calibration.tierCap;
            engine.expect(gradeCosts(calibration, { steps: chosen.steps, tiers }));
          },
          log,
        }),
      );
    const engine = stack.use(
      new Engine({
        clock: systemClock,
        info: generator.info,
        config,
        // Only the denoiser gains from batches; the calibration of the machine gives the size.
        batchSize: (kind) => (kind.startsWith('denoiser:') ? (calibrator?.current?.batchSize ?? 1) : 1),
        metrics: metrics.engine,
        models: memory && { memory, ...memoryBudget(config), warmIdleMs: config.warmIdle * 1000 },
        onPressure: (pressure, ratio) => log.warn({ pressure, ratio }, 'memory pressure has changed'),
      }),
    );
    // With none, admitted viewers stand and keep their places.
    if (config.generator === 'cluster')
      cluster?.onLook(() => (engine.admission.machines = Math.max(1, cluster?.workers ?? 1)));
    const pacerTimer = new PacerTimer({ clock: systemClock, onError: (error) => onListenerError(error, 'wake') });
    const loops = new SharedLoops();
    addCaches([{ cache: 'loops', read: () => ({ ...loops.counts, bytes: loops.bytes }), clear: () => loops.clear() }]);
    const idle = stack.use(idleRelease({ warmIdleMs: config.warmIdle * 1000, caches, onIdle: options.onIdle }));
    const best = generator.info.tiers.at(-1);
    if (!best) throw new GlimpseError('MODEL_INVALID', { message: 'the generator offers no tier' });
    const sessions: Sessions = new Sessions(
      {
        stream: {
          clock: systemClock,
          generator,
          scheduler: engine.scheduler,
          admission: engine.admission,
          metrics: { reached: (tier, variant) => metrics.countBy('tiersReached', { tier, variant }) },
          onListenerError,
        },
        viewer: {
          clock: systemClock,
          encoding: { createEncoder, loops, rungs: ladder(best) },
          link: {
            peers,
            codecs: VIDEO_CODECS,
            pacerTimer,
            startBitrateBps: config.startBitrate,
            resumeGraceMs: config.resumeGrace * 1000,
            random: Math.random,
          },
          metrics: {
            observe: (latency, ms) => {
              metrics.observe(latency, ms);
              options.onLatency?.(latency, ms);
            },
            count: (what, amount) => metrics.count(what, amount),
            sample: (what, value) => metrics.sample(what, value),
            decided: (reason) => metrics.countBy('estimatorReasons', { reason }),
            sentBytes: (kind, bytes) => metrics.countBy('bytesByKind', { kind }, bytes),
          },
          onListenerError,
        },
      },
      {
        maxSessions: config.maxSessions,
        rooms: { members: config.roomMembersMax, perUser: LIMITS.roomsPerUserMax },
        onSize: (size) => {
          metrics.set('sessions', size);
          engine.onSessions(size);
          idle.onSessions(size);
        },
        onError: (error) => errors.note(error, 'a session failed'),
      },
    );
    if (calibrator?.current) sessions.usualTier = calibrator.current.tierCap;
    const shared = stack.adopt(
      await sharedWork(config, { generator, scheduler: engine.scheduler, pack }, log),
      (work) => work?.[Symbol.asyncDispose](),
    );
    let closing: Promise<void> | undefined;
    const missing = new Set<'encoder' | 'model'>(['model', 'encoder']);
    const ending = new AbortController();
    const ready = warmUp({
      generator,
      createEncoder,
      missing,
      // ComfyUI, or a worker, is a server of its own, which may start after this one.
      waits: config.generator === 'comfyui' || config.generator === 'cluster',
      onWaiting: (error) => errors.note(error, 'waiting for the generator'),
      signal: ending.signal,
    });
    // Callers of `ready` see the failure; no other handler is needed.
    ready.then(
      () => {
        shared?.worker.ready();
        calibrator?.start();
        idle.onSessions(sessions.size);
      },
      (error: unknown) => {
        // The start failed elsewhere, which closed the generator during its warm-up; that failure is reported instead.
        if (!stack.disposed && !ending.signal.aborted) log.error({ err: error }, 'not ready');
      },
    );
    const readiness = (): Readiness => ({
      modelWarm: !missing.has('model'),
      encoderAlive: !missing.has('encoder'),
      reasons: [
        ...(closing ? ['the server is shutting down'] : []),
        ...(cluster && config.generator === 'cluster' && cluster.workers === 0
          ? ['no worker of the cluster is ready']
          : []),
        ...(sessions.full ? ['there is no room for another session'] : []),
      ],
    });
    metrics.beforeScrape = () => {
      metrics.set('ready', judgeReadiness(readiness()).ready ? 1 : 0);
      metrics.set('clusterDown', cluster && !cluster.connected ? 1 : 0);
      metrics.set('clusterWorkers', cluster?.workers ?? 0);
      if (!retryHealth) return;
      const { circuit, reduction } = retryHealth();
      metrics.set('circuit', CIRCUIT_STATES.indexOf(circuit));
      metrics.set('reduction', REDUCTIONS.indexOf(reduction));
    };
    const clips =
      config.clipsDisk === 0
        ? undefined
        : stack.adopt(
            await Clips.open({
              folder: config.clipsDir,
              maxBytes: config.clipsDisk * 1e6,
              slice: generator.info.slice,
              make: (job) => makeClip(job, { generator, scheduler: engine.scheduler }),
              onError: (error) => {
                metrics.countError(error.code);
                errors.note(error, 'a clip failed');
              },
            }),
            (library) => library.close(),
          );
    const signaling = await startSignaling({
      clips,
      registry: sessions,
      inputs: inputsFor(generator.info),
      access,
      filterPrompt: options.filterPrompt,
      metricsOn: metricsPlaceOf(config),
      generatorInfo: generator.info,
      host: config.host,
      port: config.port,
      tls: tlsFilesOf(config),
      pageDirectory: options.pageDirectory ?? pageDirectory(),
      readiness,
      metrics,
      log,
      errors,
      iceServers,
    });
    const close = async (reason: string): Promise<void> => {
      ending.abort();
      await sessions.close(reason);
      await signaling.close(reason);
      await ready.catch(() => {});
      await stack.disposeAsync();
    };
    return {
      url: signaling.url,
      metricsUrl: signaling.metricsUrl,
      generator,
      engine,
      sessions,
      peers,
      metrics,
      ready,
      close: (reason) => (closing ??= close(reason)),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
