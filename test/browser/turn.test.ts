/** Viewers behind a relay: real coturn, real Chromium, the service's own short-lived credentials (TURN REST). */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import { startService, type Service } from '../../src/service.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { SdkPage } from '../../bench/support/browser/sdk-page.ts';
import { startTurnServer, turnServerPath, type TurnServer } from '../support/turn-server.ts';

const service = (iceServers: string, turnSecret: string): Promise<Service> => {
  const flags = { port: 0, logLevel: 'silent', generator: 'pattern', size: '160x90', fps: 12, iceServers, turnSecret };
  return startService(loadConfig({ flags, environment: {} }), { log: silentLog });
};

describe.skipIf(turnServerPath === undefined)('through a TURN server', () => {
  let turn: TurnServer;
  let browser: Browser;
  let served: Service;
  beforeAll(async () => {
    turn = await startTurnServer();
    [browser, served] = await Promise.all([launchChromium(), service(turn.url, turn.secret)]);
  });
  afterAll(async () => {
    await browser.close();
    await served.close('test over');
    await turn[Symbol.asyncDispose]();
  });

  it('a viewer that allows relays only gets pictures, with credentials from the welcome', async () => {
    await using page = await SdkPage.open(browser, served.url);
    await page.connect({ prompt: 'bars', iceTransportPolicy: 'relay' });
    await page.untilFrames(12);
    expect(await page.pathInUse()).toMatchObject({ local: 'relay', relayProtocol: 'udp' });
    expect(turn.log()).toMatch(/session \d+: realm <glimpse> user <\d+:[\w-]+>: incoming packet ALLOCATE/i);
  });

  it('a viewer that could reach us directly does not use it', async () => {
    await using page = await SdkPage.open(browser, served.url);
    await page.connect({ prompt: 'bars' });
    await page.untilFrames(12);
    expect((await page.pathInUse()).local).not.toBe('relay');
  });

  it('a viewer comes by TCP where the relay is named so', async () => {
    const byTcp = await service(turn.url.replace('udp', 'tcp'), turn.secret);
    const page = await SdkPage.open(browser, byTcp.url);
    await page.connect({ prompt: 'bars', iceTransportPolicy: 'relay' });
    await page.untilFrames(12);
    expect(await page.pathInUse()).toMatchObject({ local: 'relay', relayProtocol: 'tcp' });
    await page[Symbol.asyncDispose]();
    await byTcp.close('test over');
  });

  it('credentials of another secret are refused', async () => {
    const stranger = await service(turn.url, 'not what the relay knows');
    const page = await SdkPage.open(browser, stranger.url);
    await page.connect({ prompt: 'bars', iceTransportPolicy: 'relay' });
    while (!/401|Unauthorized|Cannot find credentials|check_stun_auth/i.test(turn.log()))
      await page.page.waitForTimeout(50);
    expect(await page.frames()).toBe(0);
    await page[Symbol.asyncDispose]();
    await stranger.close('test over');
  });
});
