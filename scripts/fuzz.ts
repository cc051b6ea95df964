/**
 * Throws mutated inputs at every parser that reads what strangers send: `npm run fuzz -- [--inputs N] [--seed N]
 * [--parser NAME]`. An input that crashes one, or blocks it for more than 50 ms, is kept in test/fuzz/corpus.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LIMITS } from '../src/limits.ts';
import { Mutator } from '../test/fuzz/mutate.ts';
import type { FuzzTarget } from '../test/fuzz/target.ts';
import { fuzzTargets } from '../test/fuzz/targets.ts';

const CORPUS = join(import.meta.dirname, '../test/fuzz/corpus');
/** What no input of at most 64 KiB may take; where it costs a process, that may not be ended for its time. */
const BLOCKED_MS = 50;
const COSTLY_BLOCKED_MS = LIMITS.inputDecodeTimeoutMs;
/** Runs of an input that was slow. */
const SLOW_RUNS = 4;
/** One input for so many of a parser's. */
const COSTLY_SHARE = 1_000;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    parser: { type: 'string' },
  },
});
const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
const targets = (await fuzzTargets()).filter(({ name }) => values.parser === undefined || name === values.parser);
process.stdout.write(`seed ${seed}, ${inputs} inputs a parser\n`);
let found = 0;
for (const target of targets) found += await fuzz(target);
process.exitCode = found === 0 ? 0 : 1;

/** @returns how many inputs were kept */
async function fuzz(target: FuzzTarget): Promise<number> {
  const mutator = new Mutator(target.seeds, seed);
  const kept = new Set<string>();
  const begunMs = performance.now();
  let slowestMs = 0;
  const tried = target.costly === true ? Math.ceil(inputs / COSTLY_SHARE) : inputs;
  const blockedMs = target.costly === true ? COSTLY_BLOCKED_MS : (target.costMaxMs ?? BLOCKED_MS);
  for (let count = 0; count < tried; count++) {
    const input = mutator.next();
    let why = await failureOf(target, input);
    if (typeof why === 'number') {
      slowestMs = Math.max(slowestMs, why);
      if (why <= blockedMs) continue;
      // Garbage collection, or another process: only what is slow each time is slow.
      const again = await leastOf(SLOW_RUNS, () => failureOf(target, input));
      if (typeof again === 'number' && again <= blockedMs) continue;
      why = `took ${Math.round(why)} ms`;
    }
    if (kept.has(why)) continue;
    kept.add(why);
    const file = `${target.name}.${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`;
    writeFileSync(join(CORPUS, file), input);
    process.stdout.write(`  ${file}: ${why}\n`);
  }
  await target.close?.();
  const seconds = (performance.now() - begunMs) / 1_000;
  const perMinute = Math.round((tried / seconds) * 60);
  const columns = [
    `${seconds.toFixed(1)} s`,
    `${perMinute.toLocaleString('en')} a minute`,
    `slowest ${slowestMs.toFixed(1)} ms`,
  ];
  process.stdout.write(`${target.name.padEnd(14)} ${columns.map((column) => column.padStart(24)).join('')}\n`);
  return kept.size;
}

/** @returns the least of several costs, or the first failure */
async function leastOf(runs: number, run: () => Promise<number | string>): Promise<number | string> {
  let least = Infinity;
  for (let count = 0; count < runs; count++) {
    const cost = await run();
    if (typeof cost === 'string') return cost;
    least = Math.min(least, cost);
  }
  return least;
}

/** @returns what it cost, ms of CPU, or of time where another process works; or what was thrown */
async function failureOf(target: FuzzTarget, input: Buffer): Promise<number | string> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  try {
    const pending = target.run(input);
    if (pending) await pending;
    if (target.costly === true) return performance.now() - startedMs;
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.stack?.split('\n')[1]?.trim()}` : String(error);
  }
}
