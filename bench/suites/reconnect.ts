/**
 * `glimpse bench reconnect`: how soon pictures are back on the same session once a path exists again. A real Chromium
 * over a path that is cut, moved to another port, or whose socket or tab goes away; the limit is one second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/browser/chromium.ts';
import { SdkPage } from '../support/browser/sdk-page.ts';
import { SwitchablePath } from '../support/wire/switchable-path.ts';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import { startService, type Service } from '../../src/service.ts';
import { describeMachine, distribution, textTable, type Distribution, type Machine } from '../report.ts';

const LIMIT_MS = 1_000;
/** Long enough for the browser to call the path dead. */
const AWAY_MS = 9_000;

interface Scene {
  page: SdkPage;
  path: SwitchablePath;
  service: Service;
}

interface Case {
  name: string;
  /** Takes the path away and gives one back. @returns when it exists again, ms on the monotonic clock */
  interrupt: (scene: Scene) => Promise<number>;
}

const CASES: readonly Case[] = [
  {
    name: 'the path is silent for 9 s and comes back',
    interrupt: async ({ path }) => {
      path.cut = true;
      await sleep(AWAY_MS);
      path.cut = false;
      return performance.now();
    },
  },
  {
    name: 'the path dies; 9 s later there is another network',
    interrupt: async ({ page, path }) => {
      path.cut = true;
      await sleep(AWAY_MS);
      await path.move(page.page);
      path.cut = false;
      const existsAt = performance.now();
      // What browsers say when an interface comes up.
      await page.page.evaluate(() => window.dispatchEvent(new Event('online')));
      return existsAt;
    },
  },
  {
    name: "the server's WebSocket dies, the path does not",
    interrupt: async ({ page }) => {
      await page.page.evaluate(() => (window as unknown as { sockets: WebSocket[] }).sockets.at(-1)?.close());
      return performance.now();
    },
  },
  {
    name: 'the tab is frozen for 9 s',
    interrupt: async ({ page }) => {
      const devtools = await page.page.context().newCDPSession(page.page);
      await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
      await sleep(AWAY_MS);
      await devtools.send('Page.setWebLifecycleState', { state: 'active' });
      return performance.now();
    },
  },
];

export interface ReconnectReport {
  suite: 'reconnect';
  machine: Machine;
  limitMs: number;
  cases: { name: string; backMs: Distribution | undefined; sameSession: boolean; met: boolean }[];
}

export async function run({ rounds = 3 }: { rounds?: number } = {}): Promise<ReconnectReport> {
  const bar = new SingleBar({ format: '{bar} {percentage}% | {part}', stream: process.stderr });
  bar.start(CASES.length * rounds, 0, { part: '' });
  const browser = await launchChromium();
  const cases: ReconnectReport['cases'] = [];
  try {
    for (const { name, interrupt } of CASES) {
      bar.update({ part: name });
      const back: number[] = [];
      let sameSession = true;
      for (let round = 0; round < rounds; round++) {
        const outcome = await once(browser, interrupt);
        back.push(outcome.backMs);
        sameSession &&= outcome.sameSession;
        bar.increment();
      }
      const backMs = distribution(back);
      cases.push({ name, backMs, sameSession, met: sameSession && (backMs?.max ?? Infinity) <= LIMIT_MS });
    }
  } finally {
    bar.stop();
    await browser.close();
  }
  return { suite: 'reconnect', machine: describeMachine(), limitMs: LIMIT_MS, cases };
}

async function once(browser: Browser, interrupt: Case['interrupt']): Promise<{ backMs: number; sameSession: boolean }> {
  const flags = { port: 0, logLevel: 'silent', generator: 'pattern', size: '256x256', fps: 30 };
  const service = await startService(loadConfig({ flags, environment: {} }), { log: silentLog });
  const page = await SdkPage.open(browser, service.url);
  const path = await SwitchablePath.open(page.page, service.peers.address.port);
  try {
    await page.rememberSockets();
    await page.connect({ prompt: 'bars' });
    await page.untilFrames(30);
    const before = await page.sessionId();
    const existsAt = await interrupt({ page, path, service });
    const shown = await page.frames();
    await page.untilFrames(shown + 1);
    const backMs = performance.now() - existsAt;
    // Whoever came back by a new session would show it by now.
    await sleep(500);
    return { backMs, sameSession: before === (await page.sessionId()) };
  } finally {
    await page[Symbol.asyncDispose]();
    await path[Symbol.asyncDispose]();
    await service.close('bench over');
  }
}

export function formatTable({ cases, limitMs }: ReconnectReport): string {
  const head = [`pictures back after a path exists, limit ${limitMs} ms`, 'p50 ms', 'max ms', 'same session', ''];
  const rows = cases.map(({ name, backMs, sameSession, met }) => [
    name,
    String(backMs?.p50 ?? ''),
    String(backMs?.max ?? ''),
    sameSession ? 'yes' : 'NO',
    met ? 'met' : 'MISSED',
  ]);
  return textTable([head, ...rows]);
}
