/**
 * `glimpse bench call`: camera to own screen in real Chromium on loopback. The same page paints numbered pictures, sends
 * them, and reads the numbers off what comes back: by turns from our mirror, which makes them slices of a stream, and
 * from libwebrtc, which sends the track back.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Browser } from 'playwright-core';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import { startService } from '../../src/service.ts';
import { call, type CallResult } from '../call/caller.ts';
import { describeMachine, distribution, textTable, type Distribution, type Machine } from '../report.ts';
import { launchChromium } from '../support/browser/chromium.ts';

export interface CallOptions {
  /** Calls a side. */
  calls?: number;
  /** Length of each, s. */
  seconds?: number;
}

export interface CallReport {
  suite: 'call';
  machine: Machine & { browser: string };
  calls: number;
  seconds: number;
  figures: { name: string; unit: 'ms'; glimpse: Distribution | undefined; libwebrtc: Distribution | undefined }[];
  goals: { goal: string; measured: string; met: boolean }[];
}

const SIZE = { widthPx: 640, heightPx: 360 };
const FPS = 30;
const PATIENCE_MS = 60_000;
const GOAL_MS = { p50: 60, p95: 100 };

export async function run({ calls = 6, seconds = 10 }: CallOptions = {}): Promise<CallReport> {
  const flags = { port: 0, generator: 'pattern', mirror: true, size: '640x360', fps: FPS, logLevel: 'silent' };
  const echo = fork(new URL('../call/echo-process.ts', import.meta.url));
  const [browser, [echoUrl], service] = await Promise.all([
    launchChromium(),
    once(echo, 'message') as Promise<[string]>,
    startService(loadConfig({ flags, environment: {} }), { log: silentLog }),
  ]);
  const sides = [
    { name: 'glimpse', origin: `${service.url}/healthz`, url: `${service.url}/whep?prompt=mirror` },
    { name: 'libwebrtc', origin: echoUrl, url: `${echoUrl}/echo` },
  ] as const;
  const results: Record<'glimpse' | 'libwebrtc', CallResult[]> = { glimpse: [], libwebrtc: [] };
  try {
    await service.ready;
    // One unmeasured call a side: code is compiled.
    for (let turn = -1; turn < calls; turn++) {
      for (const side of turn % 2 === 0 ? sides : sides.toReversed()) {
        const result = await callOnce(browser, side, (turn < 0 ? 1 : seconds) * 1_000);
        if (turn >= 0) results[side.name].push(result);
      }
    }
    return reportOf(results, { calls, seconds, browser: `Chromium ${browser.version()}` });
  } finally {
    await browser.close();
    echo.kill('SIGKILL');
    await service.close('the bench is over');
  }
}

async function callOnce(
  browser: Browser,
  { origin, url }: { origin: string; url: string },
  watchMs: number,
): Promise<CallResult> {
  const page = await browser.newPage();
  try {
    await page.goto(origin);
    return await page.evaluate(call, { url, ...SIZE, fps: FPS, watchMs, patienceMs: PATIENCE_MS, codec: 'VP8' });
  } finally {
    await page.close();
  }
}

function reportOf(
  results: Record<'glimpse' | 'libwebrtc', CallResult[]>,
  { calls, seconds, browser }: { calls: number; seconds: number; browser: string },
): CallReport {
  const figure = (name: string, of: (result: CallResult) => number[]) => ({
    name,
    unit: 'ms' as const,
    glimpse: distribution(results.glimpse.flatMap(of)),
    libwebrtc: distribution(results.libwebrtc.flatMap(of)),
  });
  const mirror = figure('camera to own screen', ({ mirrorMs }) => mirrorMs);
  const { p50 = Infinity, p95 = Infinity } = mirror.glimpse ?? {};
  return {
    suite: 'call',
    machine: { ...describeMachine(), browser },
    calls,
    seconds,
    figures: [mirror, figure('offer to own picture', ({ firstMs }) => [firstMs])],
    goals: [
      {
        goal: `camera to own screen p50/p95 at most ${GOAL_MS.p50}/${GOAL_MS.p95} ms`,
        measured: `${p50}/${p95} ms`,
        met: p50 <= GOAL_MS.p50 && p95 <= GOAL_MS.p95,
      },
    ],
  };
}

export function formatTable({ figures, goals }: CallReport): string {
  const cell = (found: Distribution | undefined): string =>
    found === undefined ? '–' : `${found.p50} / ${found.p95} (${found.count})`;
  const rows = figures.map(({ name, glimpse, libwebrtc }) => [name, cell(glimpse), cell(libwebrtc)]);
  const met = goals.map(({ goal, measured, met }) => `${met ? 'met' : 'missed'}: ${goal}; ${measured}`);
  return [textTable([['ms, p50 / p95 (samples)', 'Glimpse', 'libwebrtc'], ...rows]), ...met].join('\n');
}
