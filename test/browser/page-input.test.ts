/** The page's control for what a viewer brings, before the real service and the stand-in for ComfyUI. */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { LIMITS } from '../../src/limits.ts';
import { silentLog } from '../../src/log.ts';
import { startService, type Service } from '../../src/service.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { ComfyStandIn } from '../../bench/support/comfyui/comfyui-stand-in.ts';
import { encodePng } from '../../bench/support/pictures/png.ts';

const PICTURE = {
  name: 'boat.png',
  mimeType: 'image/png',
  buffer: Buffer.from(encodePng(96, 48, (x) => [x * 2, 90, 60])),
};
const OTHER = { ...PICTURE, name: 'hill.png', buffer: Buffer.from(encodePng(96, 48, (x) => [60, x * 2, 60])) };

let browser: Browser;
let directory: string;
/** A file of more bytes than a picture may have. */
let large: string;
let standIn: ComfyStandIn;
let service: Service;

async function serve(flags: object): Promise<Service> {
  const all = { port: 0, logLevel: 'silent', comfyuiUrl: standIn.url, comfyuiSize: '256x256', ...flags };
  const started = await startService(loadConfig({ flags: all, environment: {} }), { log: silentLog });
  await started.ready;
  return started;
}

beforeAll(async () => {
  browser = await launchChromium();
  standIn = await ComfyStandIn.start();
  directory = await mkdtemp(join(tmpdir(), 'glimpse-'));
  large = join(directory, 'large.png');
  await writeFile(large, PICTURE.buffer);
  await truncate(large, LIMITS.inputImageMaxBytes + 1);
  const comfyuiParameters = join(directory, 'parameters.json');
  await writeFile(comfyuiParameters, JSON.stringify({ frames: 9, overlapFrames: 1 }));
  service = await serve({ generator: 'comfyui', workflow: 'i2v-distilled', comfyuiParameters });
});

afterAll(async () => {
  await browser.close();
  await service.close('test over');
  await standIn.close();
  await rm(directory, { recursive: true });
});

async function open(query = '', url = service.url): Promise<Page> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => expect.unreachable(error.message));
  await page.goto(`${url}/${query}`);
  return page;
}

const playing = (page: Page) => page.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0);
const says = (page: Page, words: string) => page.locator('#input-words', { hasText: words }).waitFor();

/** Uploaded, and not only on its way. */
const holds = (page: Page, name: string) => page.locator(`#input-preview[title="${name}"] > img`).waitFor();
const deletion = (page: Page) => page.waitForResponse((response) => response.request().method() === 'DELETE');

async function drop(page: Page, { name, mimeType, buffer }: typeof PICTURE): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ([base64, fileName, type]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const dropped = new DataTransfer();
      dropped.items.add(new File([bytes], fileName, { type }));
      return dropped;
    },
    [buffer.toString('base64'), name, mimeType] as const,
  );
  await page.dispatchEvent('#screen', 'drop', { dataTransfer });
}

describe('what a viewer brings', () => {
  it('is asked for where nothing is made without it, and the video begins from it', async () => {
    const page = await open('?prompt=a%20boat&mode=clip');
    await page.locator('#status-text', { hasText: 'Choose a picture first.' }).waitFor();
    await page.setInputFiles('#input-file', PICTURE);
    await playing(page);
    await holds(page, PICTURE.name);
    expect(await page.locator('#input-preview img').evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(96);
    expect(standIn.uploads.size).toBeGreaterThan(0);
    await page.close();
  });

  it('may be dropped on the page, and the server keeps no longer what it takes the place of', async () => {
    const page = await open();
    await page.locator('#input-box').waitFor();
    await page.setInputFiles('#input-file', PICTURE);
    await holds(page, PICTURE.name);
    const replaced = deletion(page);
    await drop(page, OTHER);
    expect((await replaced).status()).toBe(204);
    await holds(page, OTHER.name);
    await page.close();
  });

  it('can be taken back', async () => {
    const page = await open();
    await page.locator('#input-box').waitFor();
    await page.setInputFiles('#input-file', PICTURE);
    const removed = deletion(page);
    await page.getByRole('button', { name: 'Begin without it' }).click();
    expect((await removed).status()).toBe(204);
    await page.locator('#status-text', { hasText: 'Choose a picture first.' }).waitFor();
    expect(await page.locator('#input-preview > *').count()).toBe(0);
    await page.close();
  });

  it('is refused in words, and what was inputs before still holds', async () => {
    const page = await open('?mode=clip');
    await page.locator('#input-box').waitFor();
    await page.setInputFiles('#input-file', PICTURE);
    await playing(page);
    await page.setInputFiles('#input-file', { ...PICTURE, name: 'words.png', buffer: Buffer.from('words') });
    await says(page, 'That file holds no picture or video that can be read. Choose a PNG, JPEG, WebP or MP4.');
    await page.setInputFiles('#input-file', { ...PICTURE, name: 'a.mp4', mimeType: 'video/mp4' });
    await says(page, 'This takes a PNG, JPEG or WebP picture.');
    await page.setInputFiles('#input-file', large);
    await says(page, 'That file is larger than 10 MiB.');
    expect(await page.locator('#status').getAttribute('data-state')).toBe('live');
    expect(await page.locator('#input-preview img').count()).toBe(1);
    await page.close();
  });

  it('is not asked for where the generator takes nothing', async () => {
    const pattern = await serve({ generator: 'pattern', size: '128x128' });
    const page = await open('', pattern.url);
    await playing(page);
    expect(await page.locator('#input-box').isVisible()).toBe(false);
    await page.close();
    await pattern.close('test over');
  });
});
