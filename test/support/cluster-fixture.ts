/** A cluster within the test's process, over a fake message system: workers with counting generators, gateways. */
import { systemClock, type Clock } from '../../src/clock.ts';
import { Cluster, newNodeId } from '../../src/generation/cluster/cluster.ts';
import type { RemoteEvent, RemoteGenerator } from '../../src/generation/cluster/gateway/remote-generator.ts';
import { Worker } from '../../src/generation/cluster/worker/worker.ts';
import { Subjects } from '../../src/generation/cluster/wire/subjects.ts';
import { Scheduler } from '../../src/generation/engine/scheduler.ts';
import type { SliceJob } from '../../src/generation/generator.ts';
import { silentLog } from '../../src/log.ts';
import { CountingGenerator } from './counting-generator.ts';
import { FakeNats, type FakeBus } from './fake-bus.ts';

export const CLUSTER = 'test';

export interface FixtureWorker {
  bus: FakeBus;
  generator: CountingGenerator;
  worker: Worker;
  id: string;
}

export class ClusterFixture implements AsyncDisposable {
  readonly nats = new FakeNats();
  readonly workers: FixtureWorker[] = [];
  readonly events: RemoteEvent[] = [];
  readonly #clusters: Cluster[] = [];
  /** Raise it to let time pass at once, for all. */
  skippedUs = 0;
  readonly clock: Clock = { ...systemClock, nowUs: () => systemClock.nowUs() + this.skippedUs };

  addWorker({ name = 'worker', pack = 'pack', jobsMax = 8, generator = new CountingGenerator() } = {}): FixtureWorker {
    const bus = this.nats.connect();
    const id = newNodeId();
    const worker = new Worker({
      bus,
      subjects: new Subjects(CLUSTER),
      clock: this.clock,
      log: silentLog,
      generator,
      scheduler: new Scheduler({ clock: systemClock }),
      settings: { id, name, pack, jobsMax },
    });
    worker.ready();
    const added = { bus, generator, worker, id };
    this.workers.push(added);
    return added;
  }

  cluster(): Cluster {
    const cluster = new Cluster({
      bus: this.nats.connect(),
      name: CLUSTER,
      clock: this.clock,
      log: silentLog,
      onEvent: (event) => this.events.push(event),
    });
    this.#clusters.push(cluster);
    return cluster;
  }

  generator(pack?: string): Promise<RemoteGenerator> {
    return this.cluster().generator({ pack, waitMs: 1_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cluster of this.#clusters) await cluster[Symbol.asyncDispose]();
    for (const { worker } of this.workers) await worker[Symbol.asyncDispose]();
  }
}

export const JOB: SliceJob = {
  revision: 1,
  slice: 0,
  prompt: 'a red ball',
  seed: 7,
  startMs: 0,
  stopAtTier: 'refined',
};

/** Urgency of a live stream whose slice is due in so many ms. */
export const dueIn = (ms: number, user = 'anna') => ({
  rank: 1,
  deadlineUs: systemClock.nowUs() + ms * 1_000,
  user,
  weight: 1,
});
