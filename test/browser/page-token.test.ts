/** The page against a service that asks for tokens: it asks for one in turn, or finds it after the `#`, and never sends it in a URL. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Service } from '../../src/service.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { startPattern } from '../support/pattern-service.ts';
import { SECRET, hs256 } from '../support/tokens.ts';

let browser: Browser;
let service: Service;
beforeAll(async () => {
  browser = await launchChromium();
  service = await startPattern({ authSecret: SECRET, size: '128x128' });
});
afterAll(async () => {
  await browser.close();
  await service.close('the test is over');
});

const shows = (page: Page) =>
  page.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0).then(() => undefined);

/** A page, and every URL it asks for. */
async function open(hash: string): Promise<{ page: Page; urls: string[] }> {
  const page = await browser.newPage();
  const urls: string[] = [];
  page.on('request', (request) => urls.push(request.url()));
  page.on('websocket', (socket) => urls.push(socket.url()));
  await page.goto(`${service.url}/${hash}`);
  return { page, urls };
}

it('takes a token from behind the #, and takes it out of the address', async () => {
  const token = await hs256({ sub: 'anna' });
  const { page, urls } = await open(`#token=${token}`);
  await shows(page);
  expect(page.url()).not.toContain('token');
  expect(urls.slice(1).join()).not.toContain(token);
  await page.close();
});

it('asks for a token when the server does, and again when that one does not do', async () => {
  const { page, urls } = await open('');
  const box = page.locator('#token');
  await box.waitFor();
  expect(await page.locator('#status').innerText()).toContain('asks for a token');
  await box.fill(await hs256({}, { expiresIn: -60 }));
  await box.press('Enter');
  await page.waitForFunction(() => !document.querySelector<HTMLFormElement>('#token-form')?.hidden);
  const token = await hs256({ sub: 'berta' });
  await box.fill(token);
  await box.press('Enter');
  await shows(page);
  expect(await box.isVisible()).toBe(false);
  expect(urls.join()).not.toContain(token);
  await page.close();
});
