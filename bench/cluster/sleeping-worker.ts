/** A worker of the bench in a process of its own. Its first message is its settings; a later one asks it to drain. */
import { once } from 'node:events';
import { systemClock } from '../../src/clock.ts';
import { newNodeId } from '../../src/generation/cluster/cluster.ts';
import { connectNats } from '../../src/generation/cluster/nats-bus.ts';
import { Subjects } from '../../src/generation/cluster/wire/subjects.ts';
import { Worker } from '../../src/generation/cluster/worker/worker.ts';
import { Scheduler } from '../../src/generation/engine/scheduler.ts';
import { silentLog } from '../../src/log.ts';
import { SleepingGenerator } from './sleeping-generator.ts';

export interface SleepingWorkerSettings {
  url: string;
  cluster: string;
  tierMs: number;
  sidePx: number;
}

const [{ url, cluster, tierMs, sidePx }] = (await once(process, 'message')) as [SleepingWorkerSettings];
const id = newNodeId();
const bus = await connectNats({ settings: { url }, name: 'bench worker', log: silentLog, waitMs: 60_000 });
const worker = new Worker({
  bus,
  subjects: new Subjects(cluster),
  clock: systemClock,
  log: silentLog,
  generator: new SleepingGenerator({ tierMs, sidePx }),
  scheduler: new Scheduler({ clock: systemClock }),
  settings: { id, name: 'bench', pack: 'sleeping', jobsMax: 64 },
});
const close = async (): Promise<void> => {
  await worker[Symbol.asyncDispose]();
  await bus[Symbol.asyncDispose]();
};
worker.ready();
process.send?.({ id });
process.once('disconnect', () => void close());
process.once('message', () => void worker.drain().then(() => process.disconnect()));
