/**
 * `npm run soak`: half an hour of eight viewers who come, steer and go, on the embedded model as a user starts it. Says
 * whether memory grows, the event loop stays free, and nothing unexpected was said or left over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { seededRandom } from '../link/seeded-random.ts';
import { Receivers } from '../load/receivers.ts';
import { Served } from '../load/served.ts';
import { slope } from '../memory/slope.ts';
import { GROWING, growth, memoryOf, type Growth, type ServiceMemory } from '../memory/service-memory.ts';
import { describeMachine, textTable, type Machine } from '../report.ts';

export interface SoakOptions {
  seconds?: number | undefined;
  viewers?: number | undefined;
  flags?: readonly string[] | undefined;
}

export interface SoakReport {
  suite: 'soak';
  machine: Machine;
  seconds: number;
  viewers: number;
  seed: number;
  /** Viewers that connected in all, changes they asked for, and attempts that were refused. */
  opened: number;
  steered: number;
  refused: string[];
  samples: SoakSample[];
  /** Least-squares slope of resident memory after the first quarter. */
  rssSlopeMiBPerMinute: number;
  /** The same of its parts. V8 and buffers go up and down by 30 MiB between two collections: in minutes that is a slope. */
  slopesMiBPerMinute: Growth;
  /** Of the worst and of the median 5 s. */
  loopLagP99Ms: number;
  loopLagP99MedianMs: number;
  lateShare: number;
  /** Error lines of the log and whatever came on standard error. */
  complaints: string[];
  sessionsLeft: number;
  /** Inference threads that were replaced: one that hangs keeps its memory until it answers. */
  workerRestarts: number;
  exitCode: number | null;
  goals: { goal: string; measured: string; met: boolean }[];
}

/** What the service holds at an instant. The caches have a bound, and fill within the first minutes. */
interface SoakSample extends ServiceMemory {
  atS: number;
  loopLagP99Ms: number;
  sessions: number;
  handles: number;
}

const SEED = 11;
const SAMPLE_MS = 5_000;
/** Full well before the first quarter is over: that a cache keeps its bound is the claim of its own tests. */
const CACHE_MIB = 32;
/** On average a viewer stays this long, and changes the prompt this often. */
const STAY_S = 25;
const STEER_S = 8;
const SCENES = ['sea', 'meadow', 'desert', 'mountains', 'city'];
const TIMES = ['by day', 'at sunset', 'at night', 'at dawn'];
const THINGS = ['a red ball over', 'a white boat on', 'a yellow balloon above', 'a blue bird over', 'snow falling on'];

export async function run({ seconds = 1_800, viewers = 8, flags = [] }: SoakOptions = {}): Promise<SoakReport> {
  const random = seededRandom(SEED);
  const pick = (values: readonly string[]): string => values[Math.floor(random() * values.length)] ?? '';
  const prompt = (): string => `${pick(THINGS)} the ${pick(SCENES)} ${pick(TIMES)}`;
  const bar = new SingleBar({ format: '{bar} {value}/{total} s | {rss} MiB', stream: process.stderr });
  const served = await Served.start([
    '--max-sessions',
    String(viewers + 2),
    '--cache-memory',
    String(CACHE_MIB),
    ...flags,
  ]);
  const receivers = Receivers.start(served.url);
  const samples: SoakReport['samples'] = [];
  const refused: string[] = [];
  let opened = 0;
  let steered = 0;
  bar.start(seconds, 0, { rss: '' });
  try {
    const started = performance.now();
    const elapsedS = (): number => (performance.now() - started) / 1000;
    let sampledAtS = -Infinity;
    while (elapsedS() < seconds && served.isAlive) {
      while (receivers.open.length < viewers) {
        const query = {
          prompt: prompt(),
          seed: String(Math.floor(random() * 1e6)),
          mode: random() < 0.7 ? 'live' : 'clip',
        };
        const failure = await receivers.add(query).then(
          () => undefined,
          (error: Error) => error.message,
        );
        if (failure === undefined) opened += 1;
        else refused.push(failure);
        if (failure !== undefined) break;
      }
      for (const id of receivers.open) {
        if (random() < 1 / STAY_S) await receivers.remove(id);
        else if (random() < 1 / STEER_S) steered += await steer(served.url, receivers.location(id), prompt());
      }
      await sleep(1_000);
      if (elapsedS() - sampledAtS < SAMPLE_MS / 1000) continue;
      sampledAtS = elapsedS();
      samples.push(await sample(served, sampledAtS));
      bar.update(Math.min(seconds, Math.round(sampledAtS)), { rss: samples.at(-1)?.rssMiB });
    }
    for (const id of receivers.open) await receivers.remove(id);
    await sleep(1_000);
    const last = await served.scrape();
    const late = last['glimpse_late_frames_total'] ?? 0;
    const sent = last['glimpse_frames_sent_total'] ?? 0;
    const settled = samples.filter(({ atS }) => atS >= seconds / 4);
    const rest = {
      rssSlopeMiBPerMinute: slope(settled.map(({ atS, rssMiB }) => [atS / 60, rssMiB])),
      slopesMiBPerMinute: growth(settled),
      loopLagP99Ms: Math.max(0, ...settled.map(({ loopLagP99Ms }) => loopLagP99Ms)),
      loopLagP99MedianMs: median(settled.map(({ loopLagP99Ms }) => loopLagP99Ms)),
      lateShare: late / Math.max(1, late + sent),
      sessionsLeft: last['glimpse_sessions'] ?? 0,
      workerRestarts: last['glimpse_generator_worker_restarts_total'] ?? 0,
      exitCode: await served.stop(),
      complaints: [...served.complaints],
    };
    const counts = { seconds, viewers, seed: SEED, opened, steered, refused };
    return { suite: 'soak', machine: describeMachine(), ...counts, samples, ...rest, goals: goals(rest) };
  } finally {
    bar.stop();
    await receivers.stop();
    await served.stop();
  }
}

async function steer(url: string, location: string, prompt: string): Promise<number> {
  const id = location.split('/').at(-1) ?? '';
  const response = await fetch(`${url}/v1/sessions/${id}/control`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'prompt', prompt }),
  });
  await response.arrayBuffer();
  return response.ok ? 1 : 0;
}

async function sample(served: Served, atS: number): Promise<SoakSample> {
  const scrape = await served.scrape();
  return {
    atS: Math.round(atS),
    ...memoryOf(served, scrape),
    loopLagP99Ms: Math.round(Served.loopLagP99Ms(scrape) * 10) / 10,
    sessions: scrape['glimpse_sessions'] ?? 0,
    handles: scrape['nodejs_active_handles_total'] ?? 0,
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

function goals({
  rssSlopeMiBPerMinute,
  loopLagP99Ms,
  complaints,
  sessionsLeft,
  exitCode,
}: Pick<SoakReport, 'rssSlopeMiBPerMinute' | 'loopLagP99Ms' | 'complaints' | 'sessionsLeft' | 'exitCode'>) {
  return [
    {
      goal: 'memory grows by at most 0.5 MiB a minute after the first quarter',
      measured: `${rssSlopeMiBPerMinute.toFixed(2)} MiB/min`,
      met: rssSlopeMiBPerMinute <= 0.5,
    },
    { goal: 'event-loop lag p99 at most 20 ms', measured: `${loopLagP99Ms} ms`, met: loopLagP99Ms <= 20 },
    {
      goal: 'nothing unhandled, no error logged',
      measured: `${complaints.length} lines`,
      met: complaints.length === 0,
    },
    { goal: 'no session left over', measured: String(sessionsLeft), met: sessionsLeft === 0 },
    { goal: 'exit 0 by SIGTERM', measured: String(exitCode), met: exitCode === 0 },
  ];
}

export function formatTable(report: SoakReport): string {
  const { seconds, viewers, opened, steered, refused, lateShare, samples } = report;
  const rss = samples.map(({ rssMiB }) => rssMiB);
  const cached = samples.map(({ cachedMiB }) => cachedMiB);
  const most = Math.max(0, ...cached);
  const rows = [
    [`${viewers} viewers for ${seconds} s`, `${opened} connections, ${steered} prompts, ${refused.length} refused`],
    ['resident memory', `${rss[0] ?? 0} MiB at first, ${Math.max(0, ...rss)} at most, ${rss.at(-1) ?? 0} at the end`],
    [
      'caches',
      `${most} MiB at most, 95% of it after ${samples.find((one) => one.cachedMiB >= 0.95 * most)?.atS ?? 0} s`,
    ],
    [
      'grows, MiB a minute',
      GROWING.map((part) => `${part.replace('MiB', '')} ${report.slopesMiBPerMinute[part].toFixed(2)}`).join(', '),
    ],
    ['event-loop lag p99, median of 5 s', `${report.loopLagP99MedianMs} ms`],
    ['inference processes replaced', String(report.workerRestarts)],
    ['late frames', `${(lateShare * 100).toFixed(2)}%`],
    ...report.goals.map(({ goal, measured, met }) => [goal, `${measured} ${met ? '(met)' : '(MISSED)'}`]),
  ];
  return textTable(rows);
}
