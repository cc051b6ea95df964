/**
 * `glimpse bench cluster`: what more than one machine costs and gives, with a stand-in that sleeps in place of a model,
 * so that one machine can play many. Everything runs on loopback: NATS, each worker in a process of its own, the gateway
 * here. Overhead is measured against the same generator in this process, in turns.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import type { Generator, SliceJob } from '../../src/generation/generator.ts';
import { ended, Nodes, type WorkerProcess } from '../cluster/nodes.ts';
import { SleepingGenerator } from '../cluster/sleeping-generator.ts';
import { describeMachine, distribution, textTable, type Distribution, type Machine } from '../report.ts';

export interface ClusterBenchOptions {
  /** A few runs instead of enough for a published figure. */
  quick?: boolean;
}

interface Growth {
  workers: number;
  slicesPerSecond: number;
  /** Of what so many workers would give if each gave what one does. */
  ofLinear: number;
}

interface ControlTraffic {
  workers: number;
  streams: number;
  messagesPerSecond: number;
  bytesPerSecond: number;
}

export interface ClusterReport {
  suite: 'cluster';
  machine: Machine;
  /** A slice of 256 px, 8 frames, two tiers, ms. */
  localMs: Distribution | undefined;
  remoteMs: Distribution | undefined;
  overheadMs: number;
  growth: Growth[];
  /** From the end of the worker that computes to the next rendition, ms. */
  killedMs: Distribution | undefined;
  frozenMs: Distribution | undefined;
  /** Slices that came again or not at all while workers were drained one after the other. */
  drainLost: number;
  control: ControlTraffic[];
  goals: { goal: string; measured: string; met: boolean }[];
}

const { signal } = new AbortController();
const JOB: SliceJob = { revision: 1, slice: 0, prompt: 'nothing', seed: 1, startMs: 0, stopAtTier: 'base' };
const PICTURE_PX = 256;
const GROWTH = { tierMs: 100, sidePx: 64, streamsPerWorker: 3, seconds: 6 } as const;
const FAILOVER = { tierMs: 100, sidePx: 64, workers: 3 } as const;

const urgency = (user: string, dueInMs: number) => ({
  rank: 1,
  deadlineUs: systemClock.nowUs() + dueInMs * 1_000,
  user,
  weight: 1,
});

export async function run({ quick = false }: ClusterBenchOptions = {}): Promise<ClusterReport> {
  await using nodes = await Nodes.start();
  const { localMs, remoteMs } = await overhead(nodes, quick ? 20 : 200);
  const growth = await growthOf(nodes, quick ? [1, 2] : [1, 2, 4, 8]);
  const killedMs = await failover(nodes, quick ? 2 : 20, 'SIGKILL');
  const frozenMs = await failover(nodes, quick ? 2 : 20, 'SIGSTOP');
  const drainLost = await drained(nodes, quick ? 2 : 8);
  const control = await controlTraffic(
    nodes,
    quick
      ? [[1, 0]]
      : [
          [1, 0],
          [8, 0],
          [1, 4],
          [8, 4],
          [8, 8],
        ],
  );
  const overheadMs = Math.round(((remoteMs?.p50 ?? NaN) - (localMs?.p50 ?? NaN)) * 10) / 10;
  const report = { suite: 'cluster' as const, machine: describeMachine(), localMs, remoteMs, overheadMs };
  const figures = { growth, killedMs, frozenMs, drainLost, control };
  return { ...report, ...figures, goals: goalsOf({ overheadMs, ...figures }) };
}

/** Local and remote slices in turns, so that what else the machine does falls on both. */
async function overhead(nodes: Nodes, slices: number): Promise<Pick<ClusterReport, 'localMs' | 'remoteMs'>> {
  await nodes.worker('overhead', { tierMs: 0, sidePx: PICTURE_PX });
  await using cluster = await nodes.gateway('overhead');
  const remote = await cluster.generator({ waitMs: 60_000 });
  const local = new SleepingGenerator({ tierMs: 0, sidePx: PICTURE_PX });
  const [near, far]: number[][] = [[], []];
  for (let slice = -5; slice < slices; slice++) {
    const previous = new Float32Array(4_096);
    const [nearMs, farMs] = [await timed(local, slice + 5, previous), await timed(remote, slice + 5, previous)];
    if (slice < 0) continue;
    near?.push(nearMs);
    far?.push(farMs);
  }
  await nodes.stopWorkers();
  return { localMs: distribution(near ?? []), remoteMs: distribution(far ?? []) };
}

async function timed(generator: Generator, slice: number, previous: Float32Array): Promise<number> {
  const begunMs = performance.now();
  for await (const _ of generator.generate({ ...JOB, slice, previous }, { signal, urgency: urgency('one', 1_000) }));
  return performance.now() - begunMs;
}

async function growthOf(nodes: Nodes, counts: readonly number[]): Promise<Growth[]> {
  const rates: { workers: number; slicesPerSecond: number }[] = [];
  for (const workers of counts) {
    const name = `growth-${workers}`;
    await Promise.all(Array.from({ length: workers }, () => nodes.worker(name, GROWTH)));
    await using cluster = await nodes.gateway(name);
    const remote = await cluster.generator({ waitMs: 60_000 });
    let slices = 0;
    let counting = false;
    const over = new AbortController();
    const stream = async (seed: number): Promise<void> => {
      for (let slice = 0; !over.signal.aborted; slice++) {
        const options = { signal, urgency: urgency(`viewer-${seed}`, 1_000) };
        for await (const _ of remote.generate({ ...JOB, seed, slice }, options));
        if (counting && !over.signal.aborted) slices += 1;
      }
    };
    const streams = Array.from({ length: workers * GROWTH.streamsPerWorker }, (_, seed) => stream(seed));
    // Costs are known, and streams have found their workers.
    await sleep(3_000);
    counting = true;
    const begunMs = performance.now();
    await sleep(GROWTH.seconds * 1_000);
    over.abort();
    const seconds = (performance.now() - begunMs) / 1_000;
    rates.push({ workers, slicesPerSecond: slices / seconds });
    await Promise.all(streams);
    await nodes.stopWorkers();
  }
  const one = rates[0]?.slicesPerSecond ?? NaN;
  return rates.map(({ workers, slicesPerSecond }) => ({
    workers,
    slicesPerSecond: round(slicesPerSecond),
    ofLinear: round(slicesPerSecond / (one * workers)),
  }));
}

/** A live stream whose worker ends, again and again; a new one joins each time. */
async function failover(nodes: Nodes, rounds: number, how: 'SIGKILL' | 'SIGSTOP'): Promise<Distribution | undefined> {
  const name = `failover-${how}`;
  const workers: WorkerProcess[] = [];
  for (let count = 0; count < FAILOVER.workers; count++) workers.push(await nodes.worker(name, FAILOVER));
  await using cluster = await nodes.gateway(name);
  const remote = await cluster.generator({ waitMs: 60_000 });
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const renditions = remote.generate({ ...JOB, slice: round }, { signal, urgency: urgency('one', 1_000) });
    await renditions.next();
    const next = renditions.next();
    await sleep(20 + ((round * 37) % 60));
    const worker = workers.find(({ id }) => cluster.jobs.workers.has(id));
    const endedMs = performance.now();
    worker?.child.kill(how);
    await next;
    times.push(performance.now() - endedMs);
    await renditions.return();
    if (!worker) continue;
    await ended(worker.child);
    workers.splice(workers.indexOf(worker), 1, await nodes.worker(name, FAILOVER));
    await sleep(500);
  }
  await nodes.stopWorkers();
  return distribution(times);
}

/** Replaces every worker by a new one, each drained, under four streams; counts renditions that did not come once. */
async function drained(nodes: Nodes, rounds: number): Promise<number> {
  const workers = [await nodes.worker('drain', FAILOVER), await nodes.worker('drain', FAILOVER)];
  await using cluster = await nodes.gateway('drain');
  const remote = await cluster.generator({ waitMs: 60_000 });
  const over = new AbortController();
  let lost = 0;
  const stream = async (seed: number): Promise<void> => {
    for (let slice = 0; !over.signal.aborted; slice++) {
      const tiers: string[] = [];
      const options = { signal, urgency: urgency(`viewer-${seed}`, 1_000) };
      for await (const { tier } of remote.generate({ ...JOB, seed, slice }, options)) tiers.push(tier);
      if (tiers.join() !== 'draft,base') lost += 1;
    }
  };
  const streams = [1, 2, 3, 4].map(stream);
  for (let round = 0; round < rounds; round++) {
    workers.push(await nodes.worker('drain', FAILOVER));
    await sleep(500);
    const [oldest] = workers.splice(0, 1);
    const gone = new Promise<void>((resolve) => oldest?.child.once('exit', () => resolve()));
    oldest?.child.send('drain');
    await gone;
  }
  over.abort();
  await Promise.all(streams);
  await nodes.stopWorkers();
  return lost;
}

/** Small pictures, so that what is counted is nearly all control: beats, jobs, pulls, keep-alives. */
async function controlTraffic(nodes: Nodes, shapes: readonly (readonly [number, number])[]): Promise<ControlTraffic[]> {
  const measured: ControlTraffic[] = [];
  for (const [workers, streams] of shapes) {
    const name = `control-${workers}-${streams}`;
    await Promise.all(Array.from({ length: workers }, () => nodes.worker(name, { tierMs: 250, sidePx: 4 })));
    await using cluster = await nodes.gateway(name);
    const remote = await cluster.generator({ waitMs: 60_000 });
    const over = new AbortController();
    // Slices of two thirds of a second, in real time.
    const stream = async (seed: number): Promise<void> => {
      for (let slice = 0; !over.signal.aborted; slice++) {
        const pause = sleep(667);
        for await (const _ of remote.generate({ ...JOB, seed, slice }, { signal, urgency: urgency(`${seed}`, 1_000) }));
        await pause;
      }
    };
    const running = Array.from({ length: streams }, (_, seed) => stream(seed));
    await sleep(1_000);
    const [before, begunMs] = [await nodes.traffic(), performance.now()];
    await sleep(5_000);
    const [after, seconds] = [await nodes.traffic(), (performance.now() - begunMs) / 1_000];
    over.abort();
    await Promise.all(running);
    await nodes.stopWorkers();
    measured.push({
      workers,
      streams,
      messagesPerSecond: Math.round((after.messages - before.messages) / seconds),
      bytesPerSecond: Math.round((after.bytes - before.bytes) / seconds),
    });
  }
  return measured;
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;

type Figures = Pick<ClusterReport, 'overheadMs' | 'growth' | 'killedMs' | 'frozenMs' | 'drainLost'>;

function goalsOf({ overheadMs, growth, killedMs, frozenMs, drainLost }: Figures): ClusterReport['goals'] {
  const last = growth.at(-1);
  const goal = (text: string, measured: string, met: boolean) => ({ goal: text, measured, met });
  return [
    goal('a slice of 256 px takes at most 8 ms more than here', `${overheadMs} ms`, overheadMs <= 8),
    goal(`${last?.workers ?? 0} workers give 0.95 of linear`, String(last?.ofLinear), (last?.ofLinear ?? 0) >= 0.95),
    goal('pictures again within 2 s of a kill (p95)', `${killedMs?.p95} ms`, (killedMs?.p95 ?? NaN) <= 2_000),
    goal('pictures again within 2 s of a freeze (p95)', `${frozenMs?.p95} ms`, (frozenMs?.p95 ?? NaN) <= 2_000),
    goal('draining loses no slice', String(drainLost), drainLost === 0),
  ];
}

export function formatTable({ localMs, remoteMs, growth, killedMs, frozenMs, control, goals }: ClusterReport): string {
  const line = (name: string, times: Distribution | undefined): string[] => [
    name,
    ...[times?.count, times?.p50, times?.p95, times?.max].map((value) => String(value ?? '-')),
  ];
  const times = textTable([
    ['ms', 'count', 'p50', 'p95', 'max'],
    line('slice here', localMs),
    line('slice at a worker', remoteMs),
    line('after a kill', killedMs),
    line('after a freeze', frozenMs),
  ]);
  const rates = textTable([
    ['workers', 'slices/s', 'of linear'],
    ...growth.map(({ workers, slicesPerSecond, ofLinear }) => [
      String(workers),
      String(slicesPerSecond),
      String(ofLinear),
    ]),
  ]);
  const traffic = textTable([
    ['workers', 'streams', 'messages/s', 'bytes/s'],
    ...control.map((row) => [row.workers, row.streams, row.messagesPerSecond, row.bytesPerSecond].map(String)),
  ]);
  const said = goals.map(({ goal, measured, met }) => `${goal}: ${measured} ${met ? '(met)' : '(MISSED)'}`);
  return [times, rates, traffic, said.join('\n')].join('\n\n');
}
