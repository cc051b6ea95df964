/** Joins a cluster by the settings: as a gateway with a generator that stands for its workers, or as a worker. */
import { hostname } from 'node:os';
import { systemClock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import { GlimpseError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import type { Generator } from '../generator.ts';
import { Cluster, newNodeId } from './cluster.ts';
import type { RemoteEvent, RemoteGenerator } from './gateway/remote-generator.ts';
import { connectNats, type NatsBus } from './nats-bus.ts';
import { Subjects } from './wire/subjects.ts';
import { checkedPack, Worker } from './worker/worker.ts';

export type ClusterConfig = Pick<
  Config,
  | 'cluster'
  | 'clusterName'
  | 'clusterCredentials'
  | 'clusterCa'
  | 'clusterCert'
  | 'clusterKey'
  | 'clusterPack'
  | 'workerName'
  | 'workerJobs'
>;

export interface JoinOptions {
  log: Log;
  signal?: AbortSignal | undefined;
}

/** Containers start within seconds of each other: how long a node waits for NATS, and a gateway for a worker. */
const START_WAIT_MS = 60_000;

/** @throws GlimpseError CLUSTER_DOWN, CLUSTER_REFUSED, CONFIG_INVALID */
export function connectTo(
  config: ClusterConfig,
  { log, signal }: JoinOptions,
  waitMs = START_WAIT_MS,
): Promise<NatsBus> {
  const { cluster: url, clusterCredentials: credentials, clusterCa: ca, clusterCert: cert, clusterKey: key } = config;
  if (url === undefined) throw new GlimpseError('CONFIG_INVALID', { message: 'this needs --cluster nats://HOST:PORT' });
  const name = `glimpse ${nameOf(config)}`;
  return connectNats({ settings: { url, credentials, ca, cert, key }, name, log, waitMs, signal });
}

export interface JoinedGateway {
  cluster: Cluster;
  /** Closes the cluster and the connection with it. */
  generator: RemoteGenerator;
  pack: string;
}

/** @throws GlimpseError as `connectTo`; CLUSTER_DOWN if no worker is ready in time */
export async function joinAsGateway(
  config: ClusterConfig,
  { pack, onEvent, ...options }: JoinOptions & { pack?: string | undefined; onEvent?: (event: RemoteEvent) => void },
): Promise<JoinedGateway> {
  const { log, signal } = options;
  const bus = await connectTo(config, options);
  const cluster = new Cluster({ bus, name: config.clusterName, log, ...(onEvent ? { onEvent } : {}) });
  try {
    const generator = await cluster.generator({ pack: config.clusterPack ?? pack, waitMs: START_WAIT_MS, signal });
    return { cluster, generator, pack: generator.pack };
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

export interface WorkerParts {
  generator: Generator;
  scheduler: Pick<Scheduler, 'turn' | 'costs'>;
  /** What its pictures depend on; `clusterPack` replaces it. */
  pack: string;
}

export interface JoinedWorker extends AsyncDisposable {
  worker: Worker;
  bus: NatsBus;
}

/** The worker takes jobs once it is told to be `ready`. @throws GlimpseError as `connectTo` */
export async function joinAsWorker(
  config: ClusterConfig,
  parts: WorkerParts,
  options: JoinOptions,
): Promise<JoinedWorker> {
  const { generator, scheduler } = parts;
  const pack = checkedPack(config.clusterPack ?? parts.pack);
  const bus = await connectTo(config, options);
  const worker = new Worker({
    bus,
    subjects: new Subjects(config.clusterName),
    clock: systemClock,
    log: options.log,
    generator,
    scheduler,
    settings: { id: newNodeId(), name: nameOf(config), pack, jobsMax: config.workerJobs },
  });
  return {
    worker,
    bus,
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
    },
  };
}

const nameOf = ({ workerName }: ClusterConfig): string => workerName ?? hostname().slice(0, 64);
