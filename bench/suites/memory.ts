/**
 * `glimpse bench memory`: whether the service gives back what sessions took. Short sessions, each of a prompt of its own,
 * two at a time, under the service as `npm start` begins it; then nobody. The environment (`GLIMPSE_…`, `MALLOC_…`) reaches
 * the service, so that one suspect at a time can be changed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { Receivers } from '../load/receivers.ts';
import { Served } from '../load/served.ts';
import { memoryOf, type ServiceMemory } from '../memory/service-memory.ts';
import { describeMachine, textTable, type Machine } from '../report.ts';

export interface MemoryOptions {
  sessions?: number | undefined;
  /** When a service without viewers puts its model to rest and empties its caches, s; the default is the service's own. */
  restAfterS?: number | undefined;
  /** Time for what is going on to end before a look, ms. */
  settleMs?: number | undefined;
}

export interface MemorySample extends ServiceMemory {
  /** Sessions so far. */
  sessions: number;
  atS: number;
}

export interface MemoryReport {
  suite: 'memory';
  machine: Machine;
  sessions: number;
  refused: string[];
  /** Before any session, and some seconds after the first. */
  idle: ServiceMemory;
  warm: ServiceMemory;
  samples: MemorySample[];
  /** Seconds after the last session; and when the model rests and the caches are empty. */
  ended: ServiceMemory;
  rested: ServiceMemory;
  goals: { goal: string; measured: string; met: boolean }[];
}

/** So many sessions from one address would be refused. */
const FLAGS = ['--creations-per-minute', '10000', '--abuse-score', '0'];
/** Most that may be left, over the size before any session. */
const GROWTH_MAX_MIB = 40;
const AT_ONCE = 2;
const STAY_MS = 2_500;
const SETTLE_MS = 8_000;
const SAMPLE_EVERY = 10;
/** The default of `--warm-idle`. */
const REST_AFTER_S = 300;
/** Time for the rest to be complete, on a busy machine too. */
const REST_MS = 10_000;

export async function run({
  sessions = 200,
  restAfterS = REST_AFTER_S,
  settleMs = SETTLE_MS,
}: MemoryOptions = {}): Promise<MemoryReport> {
  const bar = new SingleBar({ format: '{bar} {value}/{total} sessions | {rss} MiB', stream: process.stderr });
  const served = await Served.start([...FLAGS, '--warm-idle', String(restAfterS)]);
  const receivers = Receivers.start(served.url);
  const samples: MemorySample[] = [];
  const refused: string[] = [];
  const started = performance.now();
  const session = async (number: number): Promise<void> => {
    const query = { prompt: `a red ball over the sea, take ${number}`, seed: String(number), mode: 'live' };
    const id = await receivers.add(query).catch((error: Error) => void refused.push(error.message));
    if (id === undefined) return;
    await sleep(STAY_MS);
    await receivers.remove(id);
  };
  bar.start(sessions, 0, { rss: '' });
  try {
    await sleep(settleMs);
    const idle = memoryOf(served, await served.scrape());
    await session(0);
    await sleep(settleMs);
    const warm = memoryOf(served, await served.scrape());
    for (let count = 1; count < sessions && served.isAlive; count += AT_ONCE) {
      await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, sessions - count) }, (_, more) => session(count + more)),
      );
      bar.update(count, { rss: samples.at(-1)?.rssMiB });
      if ((count - 1) % SAMPLE_EVERY !== 0) continue;
      const atS = Math.round((performance.now() - started) / 1000);
      samples.push({ sessions: count, atS, ...memoryOf(served, await served.scrape()) });
    }
    await sleep(settleMs);
    const ended = memoryOf(served, await served.scrape());
    await sleep(restAfterS * 1000 + REST_MS);
    const rested = memoryOf(served, await served.scrape());
    const rest = { sessions, refused, idle, warm, samples, ended, rested };
    return { suite: 'memory', machine: describeMachine(), ...rest, goals: goals(idle, rested) };
  } finally {
    bar.stop();
    await receivers.stop();
    await served.stop();
  }
}

function goals(idle: ServiceMemory, rested: ServiceMemory): MemoryReport['goals'] {
  const grown = rested.rssMiB - idle.rssMiB;
  return [
    {
      goal: `at most ${GROWTH_MAX_MIB} MiB over the size before any session`,
      measured: `${grown.toFixed(1)} MiB`,
      met: grown <= GROWTH_MAX_MIB,
    },
  ];
}

const COLUMNS = [
  'rssMiB',
  'v8MiB',
  'buffersMiB',
  'cachedMiB',
  'fileMiB',
  'heapMiB',
  'arenasMiB',
  'otherMiB',
] as const satisfies readonly (keyof ServiceMemory)[];

export function formatTable({ sessions, refused, idle, warm, samples, ended, rested, goals }: MemoryReport): string {
  const head = ['MiB', 'resident', 'V8', 'buffers', 'caches', 'files', 'first arena', 'other arenas', 'other'];
  const line = (name: string, held: ServiceMemory): string[] => [
    name,
    ...COLUMNS.map((column) => held[column].toFixed(1)),
  ];
  const rows = [
    head,
    line('before any session', idle),
    line('after one', warm),
    ...samples.map((sample) => line(`after ${sample.sessions}`, sample)),
    line('none any more', ended),
    line('and after a while', rested),
  ];
  const said = goals.map(({ goal, measured, met }) => `${goal}: ${measured} ${met ? '(met)' : '(MISSED)'}`);
  return [textTable(rows), '', `${sessions} sessions, ${refused.length} refused`, ...said].join('\n');
}
