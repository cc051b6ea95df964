/** Whether clips leave anything behind: memory of this process after each of fifty, as a line through the second half. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { benchGenerator, jobOf, never } from './generator.ts';
import type { Server } from './server-handle.ts';

export interface MemoryFigure {
  clips: number;
  /** Slope of the heap and array buffers over the second half of the clips. */
  growthMbPerClip: number;
  rssMb: { first: number; last: number };
}

const FRAMES = 25;

export async function measureMemory(server: Server, clips: number): Promise<MemoryFigure> {
  await using generator = benchGenerator(server.url, FRAMES);
  // What is garbage is not held; without this the figure says when the collector came by.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held: number[] = [];
  const rss: number[] = [];
  for (let clip = 0; clip < clips; clip++) {
    for await (const { frames } of generator.generate(jobOf(3_000 + clip), { signal: never })) void frames;
    collect();
    const { heapUsed, arrayBuffers, rss: resident } = process.memoryUsage();
    held.push((heapUsed + arrayBuffers) / 1e6);
    rss.push(Math.round(resident / 1e6));
  }
  const half = held.slice(Math.floor(clips / 2));
  return { clips, growthMbPerClip: slope(half), rssMb: { first: rss[0] ?? 0, last: rss.at(-1) ?? 0 } };
}

/** Least squares. */
function slope(values: readonly number[]): number {
  const centre = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const over = values.reduce((sum, value, index) => sum + (index - centre) * (value - mean), 0);
  return over / values.reduce((sum, _, index) => sum + (index - centre) ** 2, 0);
}
