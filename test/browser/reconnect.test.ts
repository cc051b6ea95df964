/** What a real browser goes through when its network goes away: the same session, by whatever path there is next. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import { startService, type Service } from '../../src/service.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { SdkPage } from '../../bench/support/browser/sdk-page.ts';
import { SwitchablePath } from '../../bench/support/wire/switchable-path.ts';

let browser: Browser;
let service: Service;
beforeAll(async () => {
  const flags = { port: 0, logLevel: 'silent', generator: 'pattern', size: '160x90', fps: 15 };
  const started = startService(loadConfig({ flags, environment: {} }), { log: silentLog });
  [browser, service] = await Promise.all([launchChromium(), started]);
});
afterAll(async () => {
  await browser.close();
  await service.close('test over');
});

describe('a viewer whose network is gone', () => {
  it('comes back over another one to the same session, by a new connection under it', async () => {
    await using page = await SdkPage.open(browser, service.url);
    await using path = await SwitchablePath.open(page.page, service.peers.address.port);
    await page.connect({ prompt: 'bars' });
    await page.untilFrames(15);
    const session = await page.sessionId();
    path.cut = true;
    while ((await page.state()) !== 'reconnecting') await page.page.waitForTimeout(100);
    await path.move(page.page);
    path.cut = false;
    await page.page.evaluate(() => window.dispatchEvent(new Event('online')));
    const shown = await page.frames();
    await page.untilFrames(shown + 15);
    expect(await page.sessionId()).toBe(session);
    expect(await page.state()).toBe('live');
    expect(service.sessions.size).toBe(1);
  });
});
