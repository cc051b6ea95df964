/** `glimpse bench SUITE`: runs one suite and prints it as a table, or as JSON alone. Suites live in `bench/`, loaded when asked for. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GlimpseError } from '../errors.ts';
import { missedGoals } from './missed-goals.ts';
import { growHeapFurther } from './heap-growth.ts';

export interface BenchOptions {
  json: boolean;
  out: string | undefined;
  connections: number;
  /** Congestion, link: one scenario file instead of the bundled ones. */
  scenario: string | undefined;
  /** Congestion, link: directory for plots. */
  plots: string | undefined;
  /** Generation, quality: the pack, a name or a directory; `auto` for the bundled ones. */
  model: string;
  /** Generation: a few runs instead of enough for a published figure. */
  /** load: only this kind. */
  kind?: string | undefined;
  quick: boolean;
  /** Generation: only these sections. */
  sections: readonly string[];
  /** Quality: held-out prompts to measure. */
  prompts: number;
  /** Quality: folder for a sheet of pictures. */
  sheet: string | undefined;
  /** Soak: how long, s; default half an hour. */
  seconds: number | undefined;
  /** Compare: the files. */
  reports: readonly string[];
}

interface Outcome {
  report: unknown;
  table: string;
}

const SUITES: Record<string, (options: BenchOptions) => Promise<Outcome>> = {
  latency: async ({ connections }) => {
    const { run, formatTable } = await import('../../bench/suites/latency.ts');
    const report = await run({ connections });
    return { report, table: formatTable(report) };
  },
  call: async ({ quick }) => {
    const { run, formatTable } = await import('../../bench/suites/call.ts');
    const report = await run(quick ? { calls: 1, seconds: 3 } : {});
    return { report, table: formatTable(report) };
  },
  encode: async () => {
    const { run, formatTable } = await import('../../bench/suites/encode.ts');
    const report = await run({ json: true });
    return { report, table: formatTable(report) };
  },
  congestion: async ({ scenario, plots }) => {
    const { run, formatTable } = await import('../../bench/suites/congestion.ts');
    const report = await run({ scenario, plots });
    return { report, table: formatTable(report) };
  },
  link: async ({ scenario, plots, out }) => {
    const { run, formatTable } = await import('../../bench/suites/link.ts');
    const report = await run({ scenario, plots, out });
    return { report, table: formatTable(report) };
  },
  pacing: async () => {
    const { run, formatTable } = await import('../../bench/suites/pacing.ts');
    const report = await run();
    return { report, table: formatTable(report) };
  },
  generation: async ({ sections, model, quick }) => {
    const { run, formatTable } = await import('../../bench/suites/generation.ts');
    const report = await run({ sections, model, quick });
    return { report, table: formatTable(report) };
  },
  quality: async ({ prompts, model, sheet }) => {
    const { run, formatTable } = await import('../../bench/suites/quality.ts');
    const report = await run({ prompts, model, sheet });
    return { report, table: formatTable(report) };
  },
  comfyui: async ({ quick }) => {
    const { run, formatTable } = await import('../../bench/suites/comfyui.ts');
    const report = await run({ quick });
    return { report, table: formatTable(report) };
  },
  load: async ({ quick, kind }) => {
    const { run, formatTable } = await import('../../bench/suites/load.ts');
    const report = await run({ kind, ...(quick && { viewers: [1, 10], seconds: 5 }) });
    return { report, table: formatTable(report) };
  },
  soak: async ({ quick, seconds }) => {
    const { run, formatTable } = await import('../../bench/suites/soak.ts');
    const report = await run({ seconds: seconds ?? (quick ? 60 : undefined) });
    return { report, table: formatTable(report) };
  },
  sound: async ({ quick, seconds }) => {
    const { run, formatTable } = await import('../../bench/suites/sound.ts');
    const report = await run({ seconds: seconds ?? (quick ? 15 : undefined) });
    return { report, table: formatTable(report) };
  },
  memory: async ({ quick }) => {
    const { run, formatTable } = await import('../../bench/suites/memory.ts');
    const report = await run(quick ? { sessions: 41, restAfterS: 15 } : {});
    return { report, table: formatTable(report) };
  },
  security: async () => {
    const { run, formatTable } = await import('../../bench/suites/security.ts');
    const report = await run();
    return { report, table: formatTable(report) };
  },
  reconnect: async ({ quick }) => {
    const { run, formatTable } = await import('../../bench/suites/reconnect.ts');
    const report = await run(quick ? { rounds: 1 } : {});
    return { report, table: formatTable(report) };
  },
  faults: async () => {
    const { run, formatTable } = await import('../../bench/suites/faults.ts');
    const report = await run();
    return { report, table: formatTable(report) };
  },
  cluster: async ({ quick }) => {
    const { run, formatTable } = await import('../../bench/suites/cluster.ts');
    const report = await run({ quick });
    return { report, table: formatTable(report) };
  },
  compare: async ({ reports: [before, after, ...more] }) => {
    if (before === undefined || after === undefined || more.length > 0)
      throw new GlimpseError('PARAMETER_INVALID', { message: 'compare takes two reports: the older, then the newer' });
    const { compareFiles, formatChanges } = await import('../../bench/compare.ts');
    const changes = compareFiles(before, after);
    return { report: { changes }, table: formatChanges(changes) };
  },
};

export const SUITE_NAMES = Object.keys(SUITES).filter((name) => name !== 'compare');

/**
 * @returns how many goals were missed
 * @throws GlimpseError PARAMETER_INVALID for an unknown suite or count.
 */
export async function bench(suite: string, options: BenchOptions): Promise<number> {
  const run = Object.hasOwn(SUITES, suite) ? SUITES[suite] : undefined;
  if (!run)
    throw new GlimpseError('PARAMETER_INVALID', {
      message: `no suite "${suite}": there are ${Object.keys(SUITES).join(', ')}`,
    });
  if (!(options.connections >= 1 && options.connections <= 1000))
    throw new GlimpseError('PARAMETER_INVALID', { message: '--connections must be a number from 1 to 1000.' });
  // As in `serve`: garbage collection then works as in the service.
  growHeapFurther();
  const { report, table } = await run(options).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    const message = 'benches need the development dependencies: run them in a checkout after npm ci';
    throw new GlimpseError('CONFIG_INVALID', { message, cause });
  });
  const json = `${JSON.stringify(report, null, 2)}\n`;
  process.stdout.write(options.json ? json : `${table}\n`);
  if (options.out !== undefined) {
    await mkdir(dirname(options.out), { recursive: true });
    await writeFile(options.out, json);
  }
  const missed = missedGoals(report);
  if (missed.length > 0) process.stderr.write(`${missed.length} missed: ${missed.join('; ')}\n`);
  return missed.length;
}
