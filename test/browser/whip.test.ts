/** WHIP in by clients that no one here wrote, WHEP out in Chromium: the stream shows their pictures. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { WhepPage } from '../../bench/support/browser/whep-page.ts';
import { hasAiortc } from '../support/aiortc.ts';
import { eventually } from '../support/eventually.ts';
import { ForeignCamera } from '../support/foreign-camera.ts';
import { hasGstreamer } from '../support/gstreamer.ts';
import { offerSdp } from '../support/offer-sdp.ts';
import { codeOf, startPattern } from '../support/pattern-service.ts';

let browser: Browser;
let service: Awaited<ReturnType<typeof startPattern>>;
beforeAll(async () => {
  [browser, service] = await Promise.all([launchChromium(), startPattern({ mirror: true, size: '320x180', fps: 15 })]);
});
afterAll(async () => {
  await browser.close();
  await service.close('the test is over');
});

const whipUrl = ({ sessionId }: WhepPage): string => `${service.url}/whip?session=${sessionId}`;

/** A page that watches a session of its own. */
async function watching(): Promise<WhepPage> {
  const page = await WhepPage.open(browser, service.url);
  await page.play({ prompt: 'a red ball' });
  return page;
}

const isRed = async (page: WhepPage): Promise<boolean> => {
  const [red, green, blue] = (await page.look()).lower;
  return red > 150 && green < 90 && blue < 90;
};

describe('WHIP', () => {
  it.skipIf(!hasAiortc)('takes VP8 of aiortc, one camera a session, until it leaves', async () => {
    const page = await watching();
    await using camera = new ForeignCamera('aiortc-camera.py', whipUrl(page), '220', '20', '20');
    await page.until(isRed);
    const second = await fetch(whipUrl(page), {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: offerSdp().replace('a=recvonly', 'a=sendonly'),
    });
    expect([second.status, await codeOf(second)]).toEqual([409, 'PUBLISHER_EXISTS']);
    await camera.leave();
    expect(camera.lines).toEqual(['answered 201', 'deleted 200']);
    await page.until(async () => !(await isRed(page)));
    await page.end();
    await page.page.close();
  });

  it.skipIf(!hasGstreamer)('takes H.264 of GStreamer', async () => {
    const page = await watching();
    await using camera = new ForeignCamera('gstreamer-camera.py', whipUrl(page), 'red');
    await eventually(() => expect(camera.lines).toEqual(['answered 201']));
    await page.until(isRed);
    await page.end();
    await page.page.close();
  });
});
