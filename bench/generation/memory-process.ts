/** A fresh process under a mixed load: viewers come, steer and go; prints what it took, second by second summed up, as JSON. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../src/generation/slices/noise.ts';
import { loadModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import { LiveSessions, type Viewer } from './live-sessions.ts';

export interface MemoryRun {
  maxMiB: number;
  /** After the first tenth of the run, and at its end: a leak shows between them. */
  earlyMiB: number;
  lateMiB: number;
  sessions: number;
  pressure: string;
}

const MIB = 2 ** 20;
const VIEWERS_MAX = 4;
const env = (name: string): string => process.env[`GLIMPSE_BENCH_${name}`] ?? '';

const seconds = Number(env('SECONDS'));
const processBytes = Number(env('BUDGET_MIB')) * MIB;
const partsBytes = processBytes - Number(env('RESERVE_MIB')) * MIB;
const random = createRandom(1, 0);
const samples: number[] = [];
const viewers: Viewer[] = [];
let opened = 0;
let pressure = 'normal';
{
  await using live = await LiveSessions.start(await loadModelPack(env('MODEL')), {
    memory: { processBytes, partsBytes },
    capacity: 0.85,
  });
  for (let second = 0; second < seconds; second++) {
    const dice = random.bits() % 10;
    const some = viewers[random.bits() % Math.max(1, viewers.length)];
    if (viewers.length < VIEWERS_MAX && dice < 4) viewers.push(await live.open('refined', opened++));
    else if (some && dice === 4) await live.close(viewers.splice(viewers.indexOf(some), 1)[0] as Viewer);
    else if (some && dice < 7)
      await some.session.control({ type: 'prompt', prompt: `scene ${second}`, transition: 'cut' });
    await sleep(1000);
    const { processBytes: modelBytes } = await live.generator.memory.report();
    samples.push((process.memoryUsage.rss() + modelBytes) / MIB);
    if (live.engine.pressure !== 'normal') ({ pressure } = live.engine);
  }
}
const mean = (from: number, to: number): number => {
  const some = samples.slice(Math.floor(from * samples.length), Math.ceil(to * samples.length));
  return some.reduce((sum, value) => sum + value, 0) / some.length;
};
const run: MemoryRun = {
  maxMiB: Math.max(...samples),
  earlyMiB: mean(0.1, 0.2),
  lateMiB: mean(0.9, 1),
  sessions: opened,
  pressure,
};
process.stdout.write(JSON.stringify(run));
