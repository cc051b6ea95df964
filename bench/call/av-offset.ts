/** Picture against sound over one link: the service, a relay that is the link, and Chromium, which sees flashes and hears beeps. */
import type { Browser } from 'playwright-core';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import { startService } from '../../src/service.ts';
import type { PathPlan } from '../link/path.ts';
import { Relay } from '../link/relay.ts';
import { distribution, type Distribution } from '../report.ts';
import { AvPage, avOffsetsMs } from '../support/browser/av-page.ts';

export interface AvLink {
  name: string;
  forward: PathPlan;
  /** Largest offset of 95 of 100 beeps that is met, ms. */
  offsetGoalMs: number;
  /** Longest time without sound that is met, ms; undefined: no goal. */
  gapGoalMs: number | undefined;
}

export interface AvFigure {
  name: string;
  /** Beeps for which a flash was seen. */
  pairs: number;
  /** Heard minus seen, ms. */
  offsetMs: Distribution | undefined;
  /** Its size, without the sign. */
  sizeMs: Distribution | undefined;
  longestGapMs: number;
  /** Mean time in the browser's jitter buffers. */
  bufferMs: { audio: number; video: number };
  goal: string;
  met: boolean;
}

/** Beeps that are left out: the connection is being made, and buffers find their size. */
const SETTLING = 5;

export async function measureAvOffset(browser: Browser, link: AvLink, seconds: number): Promise<AvFigure> {
  const flags = { port: 0, generator: 'pattern', size: '640x360', fps: 30, beep: true, logLevel: 'silent' };
  await using stack = new AsyncDisposableStack();
  const service = stack.adopt(
    await startService(loadConfig({ flags, environment: {} }), { log: silentLog }),
    (opened) => opened.close('the bench is over'),
  );
  await service.ready;
  const backward = { ...link.forward, capacity: [{ fromUs: 0, bps: 20_000_000 }], lossRatio: 0 };
  let opening: Promise<Relay> | undefined;
  const route = async (address: string, port: number) => {
    opening ??= Relay.open({ forward: link.forward, backward, server: { address, port } });
    return (await opening).address;
  };
  stack.defer(async () => (await opening)?.close());
  const page = stack.use(await AvPage.open(browser, service.url, { route }));
  await page.play({ prompt: 'a test pattern' });
  await page.page.waitForTimeout(seconds * 1_000);
  const measured = await page.measured();
  const offsets = avOffsetsMs(measured).slice(SETTLING);
  const sizeMs = distribution(offsets.map(Math.abs));
  const { longestGapMs, bufferMs } = measured;
  const silent = link.gapGoalMs !== undefined && longestGapMs > link.gapGoalMs;
  return {
    name: link.name,
    pairs: offsets.length,
    offsetMs: distribution(offsets),
    sizeMs,
    longestGapMs: Math.round(longestGapMs),
    bufferMs: { audio: Math.round(bufferMs.audio), video: Math.round(bufferMs.video) },
    goal: `within ${link.offsetGoalMs} ms (p95)${link.gapGoalMs === undefined ? '' : `, no gap over ${link.gapGoalMs} ms`}`,
    met: sizeMs !== undefined && sizeMs.p95 <= link.offsetGoalMs && !silent,
  };
}
