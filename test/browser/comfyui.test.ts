/** All LTX-2 workflows the whole way: stand-in ComfyUI → service → Chromium, uploads by the SDK, tiers on the glass. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Live, UploadedInput } from '../../src/client/index.ts';
import { loadConfig } from '../../src/config/config.ts';
import { familiesOf, WORKFLOW_NAMES } from '../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import { silentLog } from '../../src/log.ts';
import { ffmpegBinary } from '../../src/media/ffmpeg-binary.ts';
import { startService, type Service } from '../../src/service.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { ComfyStandIn } from '../../bench/support/comfyui/comfyui-stand-in.ts';
import { encodePng } from '../../bench/support/pictures/png.ts';
import { SdkPage } from '../../bench/support/browser/sdk-page.ts';

interface ComfyWindow {
  glimpse: { uploadInput(file: Blob): Promise<UploadedInput> };
  live: Live;
  video: HTMLVideoElement;
  /** Green of the last frame of each tier that was on the glass: the stand-in's pictures get greener with each stage. */
  green: Record<string, number>;
  bluest: number;
}

let browser: Browser;
let directory: string;
let video: Uint8Array;

beforeAll(async () => {
  browser = await launchChromium();
  directory = await mkdtemp(join(tmpdir(), 'glimpse-'));
  await writeFile(join(directory, 'parameters.json'), JSON.stringify({ frames: 9, overlapFrames: 1 }));
  const path = join(directory, 'in.mp4');
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=24', '-t', '1', '-pix_fmt', 'yuv420p', path];
  execFileSync((await ffmpegBinary())?.path ?? '', ['-loglevel', 'error', ...source]);
  video = await readFile(path);
});

afterAll(async () => {
  await browser.close();
  await rm(directory, { recursive: true });
});

async function serve(standIn: ComfyStandIn, workflow: string): Promise<Service> {
  const flags = {
    port: 0,
    logLevel: 'silent',
    generator: 'comfyui',
    comfyuiUrl: standIn.url,
    comfyuiSize: '256x256',
    comfyuiParameters: join(directory, 'parameters.json'),
    workflow,
  };
  const service = await startService(loadConfig({ flags, environment: {} }), { log: silentLog });
  await service.ready;
  return service;
}

const upload = (page: SdkPage, file: Uint8Array, type: string): Promise<UploadedInput> =>
  page.page.evaluate(
    ([base64, mediaType]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      return (window as unknown as ComfyWindow).glimpse.uploadInput(new Blob([bytes], { type: mediaType }));
    },
    [Buffer.from(file).toString('base64'), type] as const,
  );

/** Looks at every frame on the glass. */
const watch = (page: SdkPage): Promise<void> =>
  page.page.evaluate(() => {
    const watched = window as unknown as ComfyWindow;
    Object.assign(watched, { green: {}, bluest: 0 });
    const context = new OffscreenCanvas(8, 8).getContext('2d', { willReadFrequently: true });
    watched.live.onFrame(watched.video, ({ playing }) => {
      context?.drawImage(watched.video, 0, 0, 8, 8);
      const [red = 0, green = 0, blue = 0] = context?.getImageData(4, 4, 1, 1).data ?? [];
      if (playing) watched.green[playing.tier] = green;
      watched.bluest = Math.max(watched.bluest, blue - red);
    });
  });

/** Waits for a frame of `tier` whose picture has at least so much green; resolves to what it has. */
async function shown(page: SdkPage, tier: string, leastGreen: number): Promise<number> {
  const look = ([name, least]: readonly [string, number]): boolean =>
    ((window as unknown as ComfyWindow).green[name] ?? -1) >= least;
  await page.page.waitForFunction(look, [tier, leastGreen] as const);
  return page.page.evaluate((name) => (window as unknown as ComfyWindow).green[name] ?? 0, tier);
}

describe('LTX-2 through ComfyUI, in a browser', () => {
  // What only later families have runs end to end in the integration tests.
  it.each(WORKFLOW_NAMES.filter((name) => familiesOf(name).includes('2.0')))(
    '%s shows both its tiers, and no picture of another client',
    async (workflow) => {
      await using standIn = await ComfyStandIn.start();
      const baseSeen = Promise.withResolvers<void>();
      const holdAtImage = { image: 0, node: 'refined-tap', until: baseSeen.promise };
      Object.assign(standIn.faults, { foreignPictures: true, malformedBinary: true, holdAtImage });
      const service = await serve(standIn, workflow);
      try {
        await using page = await SdkPage.open(browser, service.url);
        const { input } = service.generator.info;
        const picture = encodePng(64, 48, (x) => [x * 4, 60, 60]);
        const file = input?.kind === 'video' ? video : picture;
        const uploaded = input && (await upload(page, file, input.kind === 'video' ? 'video/mp4' : 'image/png'));
        await page.connect({ prompt: 'a red ball', mode: 'clip', seconds: 1, input: uploaded?.id });
        await watch(page);
        const base = await shown(page, 'base', 0);
        baseSeen.resolve();
        await shown(page, 'refined', base + 30);
        expect(standIn.foreignPicturesSent).toBeGreaterThan(0);
        expect(await page.page.evaluate(() => (window as unknown as ComfyWindow).bluest)).toBeLessThan(40);
        expect(standIn.uploads.size > 0 || !uploaded).toBe(true);
      } finally {
        baseSeen.resolve();
        await service.close('test over');
      }
    },
  );

  it('shows a draft while the first stage is denoised, then base, then refined', async () => {
    await using standIn = await ComfyStandIn.start();
    const draftSeen = Promise.withResolvers<void>();
    const baseSeen = Promise.withResolvers<void>();
    standIn.faults.holdSteps = draftSeen.promise;
    standIn.faults.holdAtImage = { image: 0, node: 'refined-tap', until: baseSeen.promise };
    const service = await serve(standIn, 't2v-distilled');
    try {
      await using page = await SdkPage.open(browser, service.url);
      await page.connect({ prompt: 'a red ball', mode: 'clip', seconds: 1 });
      await watch(page);
      await shown(page, 'draft', 0);
      draftSeen.resolve();
      const base = await shown(page, 'base', 0);
      baseSeen.resolve();
      await shown(page, 'refined', base + 30);
    } finally {
      draftSeen.resolve();
      baseSeen.resolve();
      await service.close('test over');
    }
  });

  it('refuses an upload that is no picture, and one that is not there, with its code', async () => {
    await using standIn = await ComfyStandIn.start();
    const service = await serve(standIn, 'i2v-distilled');
    try {
      await using page = await SdkPage.open(browser, service.url);
      const words = Buffer.from('words');
      await expect(upload(page, words, 'image/png')).rejects.toThrow(/neither PNG, JPEG, WebP nor MP4/);
      await expect(upload(page, words, 'text/html')).rejects.toThrow(/The body must be/);
      await expect(page.connect({ prompt: 'a', input: 'A'.repeat(22) })).rejects.toThrow(/expired/);
      await expect(page.connect({ prompt: 'a' })).rejects.toThrow(/input/);
      expect(standIn.prompts).toEqual([]);
    } finally {
      await service.close('test over');
    }
  });
});
