/**
 * `glimpse bench latency`: real Chromium on loopback, connections taken in turn between Glimpse and libwebrtc sending
 * the same pictures. Three parts: connecting (test pattern), steering (embedded model), one minute of live viewing.
 */
import { SingleBar } from 'cli-progress';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../support/browser/chromium.ts';
import { ServerHandle } from '../latency/server-handle.ts';
import type { Side } from '../latency/server-process.ts';
import { view, type ViewerPlan, type ViewerResult } from '../latency/viewer.ts';
import { describeMachine, distribution, textTable, type Distribution, type Machine } from '../report.ts';

export interface LatencyOptions {
  /** Connections a side. */
  connections: number;
  /** Length of the live part, seconds. */
  liveSeconds?: number;
}

export interface Figure {
  name: string;
  unit: 'ms';
  glimpse: Distribution | undefined;
  libwebrtc: Distribution | undefined;
  /** Glimpse's median over libwebrtc's. */
  ratioP50: number | undefined;
}

export interface Goal {
  goal: string;
  measured: string;
  met: boolean;
}

export interface LatencyReport {
  suite: 'latency';
  machine: Machine & { browser: string };
  connections: number;
  seed: number;
  figures: Figure[];
  live: {
    seconds: number;
    framesPresented: number;
    presentedFps: number;
    lateFrames: number;
    lateShare: number;
    freezes: number;
  };
  idleRssMiB: number | undefined;
  goals: Goal[];
}

const SEED = 7;
const SIDES: readonly Side[] = ['glimpse', 'libwebrtc'];
/** A connection that takes longer is an error, and no figure. */
const PATIENCE_MS = 15_000;
/** Two scenes no one takes for each other: one bright, one dark. */
const BRIGHT = 'a red ball over the desert by day';
const DARK = 'a sailing boat on the sea at night under a full moon';

type Samples = Record<string, Record<Side, number[]>>;

export async function run({ connections, liveSeconds = 60 }: LatencyOptions): Promise<LatencyReport> {
  const browser = await launchChromium();
  const bar = new SingleBar({ format: '{bar} {percentage}% | {part}', stream: process.stderr });
  const samples: Samples = {};
  try {
    bar.start(connections * 2 + 1, 0, { part: 'connecting' });
    await connecting(browser, connections, samples, () => bar.increment());
    bar.update({ part: 'steering' });
    const rest = await watching(browser, connections, liveSeconds, samples, () => bar.increment());
    const figures = Object.entries(samples).map(([name, sides]) => figure(name, sides));
    const report = {
      suite: 'latency' as const,
      machine: { ...describeMachine(), browser: `Chromium ${browser.version()}` },
      connections,
      seed: SEED,
      figures,
      ...rest,
    };
    return { ...report, goals: goals(report) };
  } finally {
    bar.stop();
    await browser.close();
  }
}

/** Connect, first frame and glass to glass, with the test pattern at 256x256 and 30 fps. */
async function connecting(browser: Browser, connections: number, samples: Samples, done: () => void): Promise<void> {
  const servers = await Promise.all(SIDES.map((side) => ServerHandle.start({ side, generator: 'pattern' })));
  try {
    // One unmeasured connection a side: code is compiled, sockets are warm.
    for (let turn = -1; turn < connections; turn++) {
      for (const server of turn % 2 === 0 ? servers : servers.toReversed()) {
        server.forgetFrames();
        const result = await connect(browser, server, { steerTo: [], watchMs: 1_500, readBarCode: true });
        if (turn < 0) continue;
        const { side } = server.settings;
        add(samples, 'connect', side, result.connectMs);
        add(samples, 'first frame', side, result.firstFrameMs);
        for (const { frame, atMs } of steady(result)) {
          const readyAtMs = server.readyAtMs(frame);
          if (readyAtMs !== undefined) add(samples, 'glass to glass', side, atMs - readyAtMs);
        }
      }
      if (turn >= 0) done();
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** The first half second still holds the ramp of the bitrate; each frame counts once, when it first showed. */
function steady({ presented }: ViewerResult): ViewerResult['presented'] {
  const from = (presented[0]?.atMs ?? 0) + 500;
  return presented.filter(({ frame, atMs }, i) => atMs >= from && presented[i - 1]?.frame !== frame);
}

/** Draft, refined and steer to visible with the embedded model, then one viewer for a minute. */
async function watching(
  browser: Browser,
  connections: number,
  liveSeconds: number,
  samples: Samples,
  done: () => void,
): Promise<Pick<LatencyReport, 'live' | 'idleRssMiB'>> {
  const servers: ServerHandle[] = [];
  try {
    for (const side of SIDES) servers.push(await ServerHandle.start({ side, generator: 'onnx' }));
    for (let turn = -1; turn < connections; turn++) {
      for (const server of turn % 2 === 0 ? servers : servers.toReversed()) {
        server.takeLatencies();
        const result = await connect(browser, server, { steerTo: [DARK, BRIGHT], watchMs: 700, readBarCode: false });
        const latencies = server.takeLatencies();
        if (turn < 0) continue;
        const { side } = server.settings;
        for (const ms of result.steerMs) add(samples, 'steer to visible', side, ms);
        for (const [name, latency] of [
          ['prompt to draft', 'timeToDraftMs'],
          ['prompt to refined', 'timeToRefinedMs'],
        ] as const) {
          // The first of each belongs to the connection's own prompt and waits for the connection.
          for (const { ms } of latencies.filter((entry) => entry.name === latency).slice(1))
            add(samples, name, side, ms);
        }
      }
      if (turn >= 0) done();
    }
    const [glimpse] = servers;
    if (!glimpse) throw new Error('no server');
    const live = await liveViewing(browser, glimpse, liveSeconds);
    done();
    return {
      live,
      idleRssMiB: glimpse.idleRssBytes === undefined ? undefined : Math.round(glimpse.idleRssBytes / 2 ** 20),
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function liveViewing(browser: Browser, server: ServerHandle, seconds: number): Promise<LatencyReport['live']> {
  const before = await lateFrames(server);
  const result = await connect(browser, server, { steerTo: [], watchMs: seconds * 1000, readBarCode: false });
  const late = (await lateFrames(server)) - before;
  const { framesPresented, watchedMs, freezes } = result;
  return {
    seconds,
    framesPresented,
    presentedFps: Math.round((framesPresented / watchedMs) * 10_000) / 10,
    lateFrames: late,
    lateShare: late / (framesPresented + late),
    freezes,
  };
}

async function lateFrames(server: ServerHandle): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^glimpse_late_frames_total (\S+)$/m.exec(text)?.[1] ?? 0);
}

async function connect(
  browser: Browser,
  server: ServerHandle,
  plan: Pick<ViewerPlan, 'steerTo' | 'watchMs' | 'readBarCode'>,
): Promise<ViewerResult> {
  const page: Page = await browser.newPage();
  try {
    await page.goto(`${server.url}/healthz`);
    const signalUrl = `${server.url.replace('http', 'ws')}/signal`;
    const full: ViewerPlan = {
      ...plan,
      signalUrl,
      patienceMs: PATIENCE_MS,
      request: { prompt: BRIGHT, seed: SEED, mode: 'live' },
    };
    return await page.evaluate(view, full);
  } finally {
    await page.close();
  }
}

function add(samples: Samples, name: string, side: Side, ms: number): void {
  samples[name] ??= { glimpse: [], libwebrtc: [] };
  samples[name][side].push(ms);
}

function figure(name: string, sides: Record<Side, number[]>): Figure {
  const glimpse = distribution(sides.glimpse);
  const libwebrtc = distribution(sides.libwebrtc);
  const ratioP50 = glimpse && libwebrtc ? Math.round((glimpse.p50 / libwebrtc.p50) * 100) / 100 : undefined;
  return { name, unit: 'ms', glimpse, libwebrtc, ratioP50 };
}

function goals({ figures, live, idleRssMiB }: Omit<LatencyReport, 'goals'>): Goal[] {
  const of = (name: string) => figures.find((entry) => entry.name === name);
  const goal = (text: string, measured: number | undefined, limit: number, unit: string): Goal => ({
    goal: text,
    measured: measured === undefined ? 'not measured' : `${Math.round(measured * 100) / 100}${unit}`,
    met: measured !== undefined && measured <= limit,
  });
  const glass = of('glass to glass');
  return [
    goal("first frame p50 at most 1.3 x libwebrtc's", of('first frame')?.ratioP50, 1.3, ' x'),
    goal('prompt to draft p95 at most 120 ms', of('prompt to draft')?.glimpse?.p95, 120, ' ms'),
    goal('steer to visible p95 at most 300 ms', of('steer to visible')?.glimpse?.p95, 300, ' ms'),
    goal('glass to glass p50 at most 12 ms', glass?.glimpse?.p50, 12, ' ms'),
    goal("glass to glass p50 under libwebrtc's", glass?.ratioP50, 0.99, ' x'),
    goal('live viewing: late frames under 1%', live.lateShare * 100, 0.99, '%'),
    goal('idle service with the model loaded under 400 MiB', idleRssMiB, 399, ' MiB'),
  ];
}

export function formatTable({ figures, live, idleRssMiB, goals: list, machine, connections }: LatencyReport): string {
  const cells = (side: Distribution | undefined): string[] =>
    side ? [side.p50, side.p95, side.max].map((ms) => ms.toFixed(1)) : ['-', '-', '-'];
  const rows = [
    ['ms', 'glimpse p50', 'p95', 'max', 'libwebrtc p50', 'p95', 'max', 'ratio p50'],
    ...figures.map(({ name, glimpse, libwebrtc, ratioP50 }) => [
      name,
      ...cells(glimpse),
      ...cells(libwebrtc),
      ratioP50?.toFixed(2) ?? '-',
    ]),
  ];
  return [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.browser}; ${connections} connections a side`,
    textTable(rows),
    `live ${live.seconds} s: ${live.presentedFps} frames a second presented, ${live.lateFrames} late (${(live.lateShare * 100).toFixed(2)}%), ${live.freezes} freezes; idle ${idleRssMiB ?? '?'} MiB`,
    textTable(list.map(({ goal, measured, met }) => [goal, measured, met ? 'met' : 'MISSED'])),
  ].join('\n\n');
}
