/** A worker in a process of its own, with a counting generator that takes its time. Tells its parent what it made. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { newNodeId } from '../../src/generation/cluster/cluster.ts';
import { connectNats } from '../../src/generation/cluster/nats-bus.ts';
import { Subjects } from '../../src/generation/cluster/wire/subjects.ts';
import { Worker } from '../../src/generation/cluster/worker/worker.ts';
import { Scheduler } from '../../src/generation/engine/scheduler.ts';
import { silentLog } from '../../src/log.ts';
import { CountingGenerator } from './counting-generator.ts';

const [url = '', cluster = '', tierMs = '20'] = process.argv.slice(2);

class ReportingGenerator extends CountingGenerator {
  override async *generate(
    ...args: Parameters<CountingGenerator['generate']>
  ): ReturnType<CountingGenerator['generate']> {
    const [{ seed, slice }] = args;
    for await (const rendition of super.generate(...args)) {
      process.send?.({ made: `${seed}/${slice}/${rendition.tier}` });
      yield rendition;
    }
  }
}

const generator = new ReportingGenerator();
generator.gate = () => sleep(Number(tierMs));
const bus = await connectNats({ settings: { url }, name: 'test worker', log: silentLog, waitMs: 60_000 });
const worker = new Worker({
  bus,
  subjects: new Subjects(cluster),
  clock: systemClock,
  log: silentLog,
  generator,
  scheduler: new Scheduler({ clock: systemClock }),
  settings: { id: newNodeId(), name: `process ${process.pid}`, pack: 'counting', jobsMax: 16 },
});
worker.ready();
process.send?.({ ready: worker.beat.id });
process.on('disconnect', () => process.exit());
process.on('message', () => void worker.drain().then(() => process.exit()));
