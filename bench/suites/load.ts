/**
 * `glimpse bench load`: how many viewers one machine holds. 1, 10, 25 and 50 real connections at 256×256, of one picture
 * (a clip that is made once and sent to all), of different ones (a test pattern each, so that sending is measured and not
 * the model; what the model holds is in `bench generation`), and of one live stream in a room, with shared encodes. The
 * viewers share the machine and say what they got.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { Receivers } from '../load/receivers.ts';
import { Served, type Scrape } from '../load/served.ts';
import { describeMachine, distribution, textTable, type Distribution, type Machine } from '../report.ts';

export interface LoadOptions {
  viewers?: readonly number[] | undefined;
  /** Only this kind. */
  kind?: string | undefined;
  /** Watched after the last viewer has connected and half this time has passed. */
  seconds?: number | undefined;
}

interface Kind {
  name: string;
  flags: readonly string[];
  query: (viewer: number) => Record<string, string>;
  fps: number;
}

/** A machine that refuses so many is full. */
const REFUSED_MAX = 3;
const LATE_MAX = 0.01;
const PLACES = ['--max-sessions', '200', '--creations-per-minute', '10000', '--abuse-score', '0'];
const KINDS: readonly Kind[] = [
  {
    name: 'one picture',
    flags: ['--generator', 'onnx', ...PLACES],
    query: () => ({ prompt: 'a red ball over a green meadow', seed: '7', mode: 'clip', seconds: '2' }),
    fps: 12,
  },
  {
    name: 'different pictures',
    flags: ['--generator', 'pattern', '--size', '256x256', '--fps', '12', ...PLACES],
    query: (viewer) => ({ prompt: `pattern ${viewer}`, seed: String(viewer) }),
    fps: 12,
  },
  {
    // The same pictures as above, but one stream for all: what is shared is seen in the CPU of a viewer.
    name: 'room',
    flags: ['--generator', 'pattern', '--size', '256x256', '--fps', '12', '--room-members-max', '200', ...PLACES],
    query: () => ({ prompt: 'pattern', seed: '7', room: 'bench', everyone: 'watch' }),
    fps: 12,
  },
];

export interface LoadRow {
  kind: string;
  viewers: number;
  /** Of those, who were refused or got no connection; after a few nobody else tries. */
  refused: number;
  /** Share of frame instants at which nothing new was ready, as the service counts it. */
  lateShare: number;
  /** Frames a second that each viewer received. */
  receivedFps: Distribution | undefined;
  /** CPU seconds a second of the service. */
  cores: number;
  cpuMsPerViewer: number;
  rssMiB: number;
  rssMiBPerViewer: number;
  loopLagP99Ms: number;
}

export interface LoadReport {
  suite: 'load';
  machine: Machine;
  rows: LoadRow[];
  /** The most viewers of each kind of whom none was refused, with at most 1% late frames. */
  holds: Record<string, number>;
}

export async function run({
  viewers = [1, 10, 25, 50],
  seconds = 10,
  kind: only,
}: LoadOptions = {}): Promise<LoadReport> {
  const bar = new SingleBar({ format: '{bar} {percentage}% | {part}', stream: process.stderr });
  const kinds = KINDS.filter(({ name }) => only === undefined || name === only);
  bar.start(kinds.length * viewers.length, 0, { part: '' });
  const rows: LoadRow[] = [];
  try {
    for (const kind of kinds) {
      for (const count of viewers) {
        bar.update({ part: `${count} viewers, ${kind.name}` });
        rows.push(await measure(kind, count, seconds));
        bar.increment();
      }
    }
  } finally {
    bar.stop();
  }
  const holds = Object.fromEntries(
    kinds.map(({ name }) => [
      name,
      Math.max(0, ...rows.filter((row) => row.kind === name && holdsAll(row)).map((row) => row.viewers)),
    ]),
  );
  return { suite: 'load', machine: describeMachine(), rows, holds };
}

const holdsAll = ({ refused, lateShare }: LoadRow): boolean => refused === 0 && lateShare <= LATE_MAX;

async function measure(kind: Kind, viewers: number, seconds: number): Promise<LoadRow> {
  const served = await Served.start(kind.flags);
  const receivers = Receivers.start(served.url);
  try {
    const idle = await served.scrape();
    let refused = 0;
    for (let viewer = 0; viewer < viewers; viewer++) {
      if (refused === REFUSED_MAX) break;
      await receivers.add(kind.query(viewer)).catch(() => (refused += 1));
    }
    await sleep((seconds / 2) * 1000);
    const [before, framesBefore] = [await served.scrape(), new Map(receivers.frames)];
    await sleep(seconds * 1000);
    const [after, framesAfter] = [await served.scrape(), new Map(receivers.frames)];
    const received = [...framesAfter].map(([id, frames]) => (frames - (framesBefore.get(id) ?? 0)) / seconds);
    return row({ kind, viewers, refused, seconds }, { idle, before, after }, received);
  } finally {
    await receivers.stop();
    await served.stop();
  }
}

function row(
  { kind, viewers, refused, seconds }: { kind: Kind; viewers: number; refused: number; seconds: number },
  { idle, before, after }: Record<'idle' | 'before' | 'after', Scrape>,
  received: readonly number[],
): LoadRow {
  const grew = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
  const late = grew('glimpse_late_frames_total');
  const cores = grew('process_cpu_seconds_total') / seconds;
  const mebibytes = (scrape: Scrape): number => (scrape['process_resident_memory_bytes'] ?? 0) / 2 ** 20;
  return {
    kind: kind.name,
    viewers,
    refused,
    lateShare: late / Math.max(1, late + grew('glimpse_frames_sent_total')),
    receivedFps: distribution(received),
    cores,
    cpuMsPerViewer: (cores * 1000) / viewers,
    rssMiB: Math.round(mebibytes(after)),
    rssMiBPerViewer: (mebibytes(after) - mebibytes(idle)) / viewers,
    loopLagP99Ms: Served.loopLagP99Ms(after),
  };
}

export function formatTable({ rows, holds }: LoadReport): string {
  const head = [
    '',
    'viewers',
    'refused',
    'late',
    'fps p50',
    'cores',
    'CPU ms/s a viewer',
    'RSS MiB',
    'a viewer',
    'loop lag p99 ms',
  ];
  const lines = rows.map((row) => [
    row.kind,
    String(row.viewers),
    String(row.refused),
    `${(row.lateShare * 100).toFixed(2)}%`,
    String(row.receivedFps?.p50 ?? ''),
    row.cores.toFixed(2),
    row.cpuMsPerViewer.toFixed(1),
    String(row.rssMiB),
    row.rssMiBPerViewer.toFixed(1),
    row.loopLagP99Ms.toFixed(1),
  ]);
  const held = Object.entries(holds).map(([kind, most]) => `${kind}: ${most} viewers with at most 1% late frames`);
  return [textTable([head, ...lines]), '', ...held].join('\n');
}
