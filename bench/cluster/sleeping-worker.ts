/** A worker of the bench in a process of its own: `sleeping-worker.ts NATS-URL CLUSTER TIER-MS SIDE-PX`. */
import { systemClock } from '../../src/clock.ts';
import { newNodeId } from '../../src/generation/cluster/cluster.ts';
import { connectNats } from '../../src/generation/cluster/nats-bus.ts';
import { Subjects } from '../../src/generation/cluster/wire/subjects.ts';
import { Worker } from '../../src/generation/cluster/worker/worker.ts';
import { Scheduler } from '../../src/generation/engine/scheduler.ts';
import { silentLog } from '../../src/log.ts';
import { SleepingGenerator } from './sleeping-generator.ts';

const [url = '', cluster = '', tierMs = '0', sidePx = '256'] = process.argv.slice(2);
const id = newNodeId();
const worker = new Worker({
  bus: await connectNats({ settings: { url }, name: 'bench worker', log: silentLog, waitMs: 60_000 }),
  subjects: new Subjects(cluster),
  clock: systemClock,
  log: silentLog,
  generator: new SleepingGenerator({ tierMs: Number(tierMs), sidePx: Number(sidePx) }),
  scheduler: new Scheduler({ clock: systemClock }),
  settings: { id, name: `bench ${process.pid}`, pack: 'sleeping', jobsMax: 64 },
});
worker.ready();
process.send?.({ id });
process.on('disconnect', () => process.exit());
process.on('message', () => void worker.drain().then(() => process.exit()));
