/**
 * Memory of a process under a mixed load against its budget: viewers come, steer and go, for ten minutes.
 * `npm run bench -- generation --section memory`
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { MemoryRun } from '../memory-process.ts';
import { packsOf } from '../packs.ts';
import type { Figure, Section } from '../section.ts';

const SCRIPT = fileURLToPath(
  new URL(`../memory-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
);
const BUDGET_MIB = 640;
const RESERVE_MIB = 192;

const section: Section = {
  name: 'memory',
  title: 'resident memory under a mixed load of up to four viewers (limit: the budget)',
  order: 70,
  onlyByName: true,
  async run({ model, quick, onProgress }) {
    const [pack] = await packsOf(model);
    if (!pack) return [];
    const seconds = quick ? 60 : 600;
    onProgress(`${seconds} s`);
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT], {
      env: {
        ...process.env,
        GLIMPSE_BENCH_MODEL: pack.directory,
        GLIMPSE_BENCH_SECONDS: String(seconds),
        GLIMPSE_BENCH_BUDGET_MIB: String(BUDGET_MIB),
        GLIMPSE_BENCH_RESERVE_MIB: String(RESERVE_MIB),
      },
    });
    const { maxMiB, earlyMiB, lateMiB, sessions, pressure } = JSON.parse(stdout) as MemoryRun;
    const figures: Figure[] = [
      { name: 'most', value: maxMiB, unit: 'MiB', limit: BUDGET_MIB, goal: { atMost: BUDGET_MIB } },
      { name: 'second tenth of the run', value: earlyMiB, unit: 'MiB' },
      { name: 'last tenth of the run', value: lateMiB, unit: 'MiB' },
      { name: 'sessions', value: sessions, unit: '' },
      { name: 'seconds', value: seconds, unit: 's' },
    ];
    return pressure === 'normal' ? figures : [...figures, { name: `pressure reached ${pressure}`, value: 1, unit: '' }];
  },
};
export default section;
