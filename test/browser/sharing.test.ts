/** What a viewer's page says of sharing the machine with others: a place in line, and pictures that came out of a cache. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import type { Ticket } from '../../src/generation/engine/admission.ts';
import { silentLog } from '../../src/log.ts';
import { startService, type Service } from '../../src/service.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { text } from '../support/page-fixture.ts';

let browser: Browser;
let service: Service;
beforeAll(async () => {
  const flags = { port: 0, logLevel: 'silent', calibrate: 'never', model: 'glimpse-xs', admissionTier: 'base' };
  service = await startService(loadConfig({ flags, environment: {} }), { log: silentLog });
  [browser] = await Promise.all([launchChromium(), service.ready]);
});
afterAll(async () => {
  await browser.close();
  await service.close('test over');
});

async function open(query: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on('pageerror', (error) => expect.unreachable(error.message));
  await page.goto(`${service.url}/${query}`);
  return page;
}

const shows = (page: Page) => page.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0);

/** Of the status line's dot, as it is drawn. */
const dotColour = (page: Page) => page.locator('.dot').evaluate((dot) => getComputedStyle(dot).backgroundColor);
const AMBER = 'rgb(255, 212, 121)';
const GREEN = 'rgb(63, 224, 180)';
const becomes = (read: () => Promise<string>, wanted: unknown) => expect.poll(read).toEqual(wanted);

describe('the page', () => {
  it('says that slices came from the cache when somebody asks for what was made before', async () => {
    const query = '?prompt=a%20red%20ball%20over%20the%20sea&seed=7&mode=clip';
    const first = await open(query);
    await becomes(() => text(first, '#strip-text'), 'slices: 6 refined');
    await first.close();
    const second = await open(query);
    await becomes(() => text(second, '#strip-text'), 'slices: 6 refined; 6 from the cache');
    await second.close();
  });

  describe('of one too many', () => {
    const enter = (): Ticket => service.engine.admission.enter({ wanted: 'base' }, () => {});

    it('tells the place in line and how long it may take, and then shows pictures', async () => {
      // Each needs half of the machine, by what it has cost so far: two do not fit.
      for (let run = 0; run < 50; run++)
        for (const tier of ['draft', 'base'] as const) service.engine.scheduler.costs.observe(tier, 170);
      const before = enter();
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      before.leave();
      const inTheWay = enter();
      const page = await open('?prompt=snow%20falling%20on%20the%20mountains&seed=3');
      await becomes(
        () => text(page, '#status-text'),
        expect.stringMatching(/^Waiting: place 1 in line, about \d+ s\.$/),
      );
      expect(await page.evaluate(() => document.querySelector('video')?.videoWidth)).toBe(0);
      const inItsPlace = page.locator('#waiting');
      expect(await inItsPlace.innerText()).toBe(await text(page, '#status-text'));
      expect(await dotColour(page)).toBe(AMBER);
      inTheWay.leave();
      await shows(page);
      await inItsPlace.waitFor({ state: 'hidden' });
      await becomes(() => text(page, '#status-text'), 'Live');
      expect(await dotColour(page)).toBe(GREEN);
      await page.close();
    });
  });
});
