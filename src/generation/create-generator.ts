/** Creates the configured generator. The only file that knows all backends. */
import type { Config } from '../config/config.ts';
import { systemClock } from '../clock.ts';
import { GlimpseError } from '../errors.ts';
import type { ListenerErrorHandler } from '../events.ts';
import type { RemoteEvent } from './cluster/gateway/remote-generator.ts';
import type { ClusterConfig, JoinedGateway } from './cluster/join.ts';
import { silentLog, type Log } from '../log.ts';
import type { Tier } from '../picture/tiers.ts';
import { withCaches, type CacheConfig, type CacheHooks } from './cache/create.ts';
import { comfyUiIdentity, packIdentity } from './cache/identity.ts';
import { createComfyUiGenerator, type ComfyUiConfig } from './comfyui/create.ts';
import type { Generator } from './generator.ts';
import { memoryBudget } from './engine/memory-budget.ts';
import type { Pressure } from './engine/memory-pressure.ts';
import type { ModelMemory } from './engine/model-memory.ts';
import { AUTO, chosenPack } from './onnx/pack/pack-choice.ts';
import { DiffusersGenerator } from './onnx/diffusers/diffusers-generator.ts';
import { diffusersIdentity } from './onnx/diffusers/export/identity.ts';
import { isDiffusersDirectory } from './onnx/diffusers/export/layout.ts';
import { OnnxGenerator } from './onnx/model/onnx-generator.ts';
import { MirrorGenerator } from './pattern/mirror.ts';
import { PatternGenerator } from './pattern/pattern.ts';
import { RetryingGenerator, type Retried, type RetryHealth } from './recovery/retrying-generator.ts';

type GeneratorConfig = Pick<
  Config,
  | 'generator'
  | 'model'
  | 'threads'
  | 'calibrate'
  | 'size'
  | 'steps'
  | 'provider'
  | 'fps'
  | 'beep'
  | 'mirror'
  | 'memoryBudget'
  | 'reserveMemory'
  | 'variant'
  | 'tiersFrom'
> &
  ClusterConfig &
  ComfyUiConfig &
  CacheConfig;

export interface GeneratorHooks extends CacheHooks {
  onListenerError?: ListenerErrorHandler;
  /** Called where failures are retried, with a function that returns the current health. */
  onRetrying?: (health: () => RetryHealth) => void;
  onRetried?: (retried: Retried) => void;
  /** A worker of the generator died and was replaced. */
  onRestart?: () => void;
  /** Called for a generator with local models: what they take, and how to make them take less. */
  onMemory?: (memory: ModelMemory) => void;
  /** The memory of a remote generation server crossed a limit. */
  onPressure?: (pressure: Pressure, ratio: number) => void;
  /** Called with a digest of what the pictures depend on, alike on every machine: what a worker announces. */
  onPack?: (pack: string) => void;
  /** Called once a cluster is joined. */
  onCluster?: (cluster: ClusterView) => void;
  /** For the metrics. */
  onClusterEvent?: (event: RemoteEvent) => void;
  log?: Log;
  /** A remote backend chose a model family by the files that it has. */
  onChosen?: (workflow: { name: string; family?: string }) => void;
}

/** What health and metrics show of a cluster. */
export interface ClusterView {
  /** The connection to NATS. */
  readonly connected: boolean;
  /** Workers of this gateway's pack that take jobs. */
  readonly workers: number;
  /** Called whenever that may have changed. */
  onLook: (look: () => void) => void;
}

/**
 * @throws GlimpseError MODEL_INVALID, CONFIG_INVALID, WORKFLOW_INVALID, MEMORY_BUDGET, PROVIDER_MISSING, CLUSTER_DOWN,
 *   CLUSTER_REFUSED
 */
export async function createGenerator(config: GeneratorConfig, hooks: GeneratorHooks = {}): Promise<Generator> {
  if (config.generator === 'cluster') {
    if (config.tiersFrom !== undefined)
      throw new GlimpseError('CONFIG_INVALID', { message: '--tiers-from needs a generator of this machine' });
    const { generator, pack } = await joined(config, hooks);
    return withCaches(generator, pack, config, hooks);
  }
  if (config.tiersFrom === undefined) return createLocal(config, hooks);
  let pack: string | undefined;
  const local = await createLocal(config, { ...hooks, onPack: (known) => (pack = known) });
  try {
    const { TiersByPlace } = await import('./cluster/gateway/tiers-by-place.ts');
    const { generator: remote } = await joined(config, hooks, pack);
    const [from] = config.tiersFrom.split('=') as [Tier];
    return new TiersByPlace({ local, remote, from });
  } catch (error) {
    await local[Symbol.asyncDispose]();
    throw error;
  }
}

/** Loads NATS: only here, so that one process alone never does. */
async function joined(config: GeneratorConfig, hooks: GeneratorHooks, pack?: string): Promise<JoinedGateway> {
  const { joinAsGateway } = await import('./cluster/join.ts');
  const { log = silentLog, onClusterEvent: onEvent, onCluster } = hooks;
  const gateway = await joinAsGateway(config, { log, pack, ...(onEvent ? { onEvent } : {}) });
  const { cluster, pack: chosen } = gateway;
  onCluster?.({
    get connected() {
      return cluster.bus.connected;
    },
    get workers() {
      return cluster.workers.readyOf(chosen);
    },
    onLook: (look) => void cluster.workers.events.on('swept', look),
  });
  return gateway;
}

async function createLocal(config: GeneratorConfig, hooks: GeneratorHooks): Promise<Generator> {
  if (servesDiffusers(config)) {
    const { model: modelDirectory, size, steps, provider } = config;
    const threads = config.threads === AUTO ? 1 : config.threads;
    const { partsBytes: budgetBytes } = memoryBudget(config);
    const options = { modelDirectory, threads, budgetBytes, size, steps, provider, ...hooks };
    const generator = await DiffusersGenerator.create(options);
    hooks.onMemory?.(generator.memory);
    const identity = await diffusersIdentity(options);
    hooks.onPack?.(identity);
    return withCaches(retrying(generator, hooks), identity, config, hooks);
  }
  if (config.generator === 'onnx') {
    const { directory: modelDirectory, threads } = await chosenPack(config);
    const { partsBytes: budgetBytes } = memoryBudget(config);
    const { variant } = config;
    const generator = await OnnxGenerator.create({ modelDirectory, threads, budgetBytes, variant, ...hooks });
    hooks.onMemory?.(generator.memory);
    const identity = await packIdentity(modelDirectory, generator.variants);
    hooks.onPack?.(identity);
    return withCaches(retrying(generator, hooks), identity, config, hooks);
  }
  if (config.generator === 'comfyui') {
    const generator = await createComfyUiGenerator(config, hooks);
    // Each worker may have a ComfyUI of its own.
    hooks.onPack?.(await comfyUiIdentity({ ...config, comfyuiUrl: '' }));
    return withCaches(retrying(generator, hooks, COMFYUI_OPEN_MOST_MS), await comfyUiIdentity(config), config, hooks);
  }
  const [widthPx = 0, heightPx = 0] = (config.size ?? PATTERN_SIZE).split('x').map(Number);
  if (widthPx % 2 || heightPx % 2 || widthPx < 64 || heightPx < 64 || widthPx > 3840 || heightPx > 2160)
    throw new GlimpseError('CONFIG_INVALID', { message: '--size needs even sides from 64x64 to 3840x2160' });
  hooks.onPack?.(`pattern ${widthPx}x${heightPx} ${config.fps} ${config.beep}`);
  // No cache: making a pattern is faster than looking it up, and its colour depends on the revision.
  if (config.mirror) return new MirrorGenerator({ widthPx, heightPx, fps: config.fps, clock: systemClock });
  return new PatternGenerator({ widthPx, heightPx, fps: config.fps, beep: config.beep });
}

/** True if `--model` is a directory in the diffusers layout. It is no pack, so it is not calibrated. */
export const servesDiffusers = ({ generator, model }: Pick<Config, 'generator' | 'model'>): boolean =>
  generator === 'onnx' && isDiffusersDirectory(model);

/** Default of `--size`. */
const PATTERN_SIZE = '640x360';

/** A call to a server that is down fails at once; one that has restarted gets work within five seconds. */
const COMFYUI_OPEN_MOST_MS = 2_000;

function retrying(generator: Generator, { onRetrying, onRetried }: GeneratorHooks, openMostMs?: number): Generator {
  const made = new RetryingGenerator({ generator, clock: systemClock, random: Math.random, onRetried, openMostMs });
  onRetrying?.(() => made.health);
  return made;
}
