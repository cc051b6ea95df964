/** The built page in Chromium, before a signaling server that says what a test tells it to. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { ScriptedSignalingServer } from './scripted-signaling-server.ts';
import { eventually } from './eventually.ts';

/** Opens and closes everything around the tests of the file that calls it. */
export class PageFixture {
  readonly #pages: Page[] = [];
  #browser: Browser | undefined;
  #pageDir = '';
  #server: ScriptedSignalingServer | undefined;

  constructor() {
    beforeAll(async () => {
      this.#pageDir = await mkdtemp(join(tmpdir(), 'page-'));
      await build({ root: 'client-demo', logLevel: 'error', build: { outDir: this.#pageDir, emptyOutDir: true } });
      this.#browser = await launchChromium();
    });
    beforeEach(async () => {
      this.#server = await ScriptedSignalingServer.listen({ pageDir: this.#pageDir });
    });
    afterEach(async () => {
      await Promise.all(this.#pages.splice(0).map((page) => page.context().close()));
      await this.#server?.[Symbol.asyncDispose]();
    });
    afterAll(async () => {
      await this.#browser?.close();
      await rm(this.#pageDir, { recursive: true });
    });
  }

  /** Where the page was built to. */
  get pageDir(): string {
    return this.#pageDir;
  }

  get server(): ScriptedSignalingServer {
    return this.#server!;
  }

  /** The page with a picture in it. */
  async open(query = '', options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.load(query, options);
    await page.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0);
    return page;
  }

  /** The page as it loads; a page error fails the test. */
  async load(query = '', options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.#browser!.newPage(options);
    this.#pages.push(page);
    page.on('pageerror', (error) => expect.unreachable(error.message));
    await page.goto(this.server.url + query);
    return page;
  }
}

/** RTP timestamp of a frame on the glass. */
export const rtpTimestamp = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        document.querySelector('video')?.requestVideoFrameCallback((_now, frame) => resolve(frame.rtpTimestamp ?? 0));
      }),
  );

export const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();

export const becomes = (read: () => Promise<unknown>, wanted: unknown) =>
  eventually(async () => expect(await read()).toEqual(wanted));
