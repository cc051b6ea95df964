/** Two people on one stream, each with the page in Chromium, before the real service. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { startPattern } from '../support/pattern-service.ts';
import { becomes, text } from '../support/page-fixture.ts';
import { eventually } from '../support/eventually.ts';

let pageDir: string;
let browser: Browser;
let service: Awaited<ReturnType<typeof startPattern>>;

beforeAll(async () => {
  pageDir = mkdtempSync(join(tmpdir(), 'page-'));
  await build({ root: 'client-demo', logLevel: 'error', build: { outDir: pageDir, emptyOutDir: true } });
  [browser, service] = await Promise.all([
    launchChromium(),
    startPattern({ size: '128x128' }, { pageDirectory: pageDir }),
  ]);
});
afterAll(async () => {
  await browser.close();
  await service.close('the test is over');
  rmSync(pageDir, { recursive: true });
});

/** A page of its own person, with a picture in it. */
async function visit(url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.on('pageerror', (error) => expect.unreachable(error.message));
  await page.goto(url);
  await page.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0);
  return page;
}

/** The link that a button copies; a page without permission for the clipboard shows it. */
async function linkOf(page: Page, button: string): Promise<string> {
  await page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'));
  });
  await page.getByRole('button', { name: button, exact: true }).click();
  await eventually(async () => expect(await text(page, '#room-words')).toContain('#room='));
  return text(page, '#room-words');
}

const members = (page: Page): Promise<string[]> => page.locator('#members .name').allInnerTexts();

describe('the page shared with others', () => {
  it('lets one who has the link steer, and all see who is there', async () => {
    const host = await visit(service.url);
    await host.getByRole('button', { name: 'Share' }).click();
    await becomes(() => members(host), ['Guest 1 (you)']);
    const guest = await visit(await linkOf(host, 'Copy link: watch and steer'));
    expect(guest.url(), 'the secret leaves the address bar').not.toContain('key=');
    await becomes(() => members(host), ['Guest 1 (you)', 'Guest 2']);
    await becomes(() => members(guest), ['Guest 1', 'Guest 2 (you)']);

    await guest.fill('#prompt', 'a blue cube');
    await guest.press('#prompt', 'Enter');
    await becomes(() => host.inputValue('#prompt'), 'a blue cube');
    await guest.context().close();
    await becomes(() => members(host), ['Guest 1 (you)']);
    await host.context().close();
  });

  it('lets a watcher watch, and says so', async () => {
    const host = await visit(service.url);
    await host.getByRole('button', { name: 'Share' }).click();
    const guest = await visit(await linkOf(host, 'Copy link: watch'));
    await becomes(() => guest.isDisabled('#prompt'), true);
    expect(await guest.locator('#room-links button').count(), 'only hosts make links').toBe(0);
    await host.context().close();
    // The host leaves; the stream goes on.
    await becomes(() => members(guest), ['Guest 2 (you)']);
    const shown = () =>
      guest.evaluate(() => document.querySelector('video')!.getVideoPlaybackQuality().totalVideoFrames);
    const before = await shown();
    await eventually(async () => expect(await shown()).toBeGreaterThan(before + 10));
    await guest.context().close();
  });
});
