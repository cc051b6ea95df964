/**
 * From nothing to the first draft, and what it leaves in memory: a fresh process for each pack, because memory that was
 * once taken is not given back.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packsOf } from '../packs.ts';
import type { Figure, Section } from '../section.ts';
import type { StartupReport } from '../startup-process.ts';

const SCRIPT = fileURLToPath(
  new URL(`../startup-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
);

/** The middle one of some fresh processes, by the time to ready. */
async function start(directory: string, times: number): Promise<StartupReport> {
  const reports: StartupReport[] = [];
  for (let run = 0; run < times; run++) {
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT], {
      env: { ...process.env, GLIMPSE_BENCH_MODEL: directory },
    });
    reports.push(JSON.parse(stdout) as StartupReport);
  }
  const [first, ...rest] = reports.toSorted((a, b) => a.warmMs - b.warmMs);
  const middle = rest[(reports.length >> 1) - 1] ?? first;
  if (!middle) throw new RangeError('no run');
  return middle;
}

const section: Section = {
  name: 'startup',
  title: 'a fresh process: pack checked and loaded, first slice made, memory taken',
  order: 30,
  async run({ model, quick, onProgress }) {
    const figures: Figure[] = [];
    for (const { directory, manifest } of await packsOf(model)) {
      onProgress(manifest.name);
      const { loadedMs, warmMs, baselineMiB, rssMiB } = await start(directory, quick ? 1 : 5);
      const { name } = manifest;
      figures.push(
        { name: `${name} loaded`, value: loadedMs, unit: 'ms' },
        { name: `${name} first slice refined`, value: warmMs, unit: 'ms', limit: loadedMs },
        { name: `${name} resident memory`, value: rssMiB, unit: 'MiB', limit: baselineMiB },
      );
    }
    return figures;
  },
};
export default section;
