/** A call in real Chromium: the camera goes in, the stream shows it, and the page sees its own pictures again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../bench/call/caller.ts';
import { SdkPage } from '../../bench/support/browser/sdk-page.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import type { Live } from '../../src/client/index.ts';
import { paintBarCode } from '../../src/generation/pattern/bar-code.ts';
import { i420Bytes } from '../../src/picture/frame.ts';
import { CameraPage } from '../support/camera-page.ts';
import { startPattern } from '../support/pattern-service.ts';

const SIZE = { widthPx: 320, heightPx: 180 };
const NUMBERS = 60;
let folder: string;
let browser: Browser;
let service: Awaited<ReturnType<typeof startPattern>>;

/** A film of numbered pictures, which Chromium plays as its camera, over and over. */
function numberedFilm(): string {
  const { widthPx, heightPx } = SIZE;
  const parts: Buffer[] = [Buffer.from(`YUV4MPEG2 W${widthPx} H${heightPx} F30:1 Ip A1:1 C420jpeg\n`)];
  for (let number = 1; number <= NUMBERS; number++) {
    const frame = { widthPx, heightPx, data: new Uint8Array(i420Bytes(widthPx, heightPx)).fill(128) };
    paintBarCode(frame, number);
    parts.push(Buffer.from('FRAME\n'), Buffer.from(frame.data));
  }
  const path = join(folder, 'camera.y4m');
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'glimpse-camera-'));
  [browser, service] = await Promise.all([
    launchChromium([
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-video-capture=${numberedFilm()}`,
    ]),
    startPattern({ mirror: true, size: '320x180', fps: 30 }),
  ]);
});
afterAll(async () => {
  await browser.close();
  await service.close('the test is over');
  rmSync(folder, { recursive: true, force: true });
});

/** Numbers read off the video of the page, as many as wanted, none twice in a row. */
async function numbersSeen({ page }: { page: Page }, count: number): Promise<number[]> {
  return page.evaluate(async (wanted) => {
    const { pc, live } = window as unknown as { pc?: RTCPeerConnection; live?: Live };
    const video = Object.assign(document.createElement('video'), { muted: true, autoplay: true });
    document.body.append(video);
    video.srcObject = live?.stream ?? new MediaStream([pc!.getReceivers()[0]!.track]);
    const pixels = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    Object.assign(pixels.canvas, { width: 80, height: 72 });
    const seen: number[] = [];
    while (seen.length < wanted) {
      await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
      pixels.drawImage(video, 0, 0, 80, 72);
      const row = pixels.getImageData(0, 3, 80, 1).data;
      let bits = 0;
      for (let block = 0; block < 20; block++) bits = bits * 2 + ((row[(block * 4 + 2) * 4 + 1] ?? 0) > 128 ? 1 : 0);
      const number = bits >>> 4;
      const check = number ^ (number >>> 4) ^ (number >>> 8) ^ (number >>> 12);
      // The pattern that is shown before the camera comes has numbers too, and starts over with each revision.
      if ((bits & 15) === ((check ^ 10) & 15) && seen.at(-1) !== number) seen.push(number);
    }
    return seen;
  }, count);
}

describe('a call', () => {
  it('shows the camera of who watches', async () => {
    const page = await CameraPage.open(browser, `${service.url}/healthz`);
    const offer = await page.offer({ ...SIZE, direction: 'sendrecv' });
    const response = await fetch(`${service.url}/whep?prompt=a+red+ball`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: offer,
    });
    expect(response.status).toBe(201);
    await page.accept(await response.text());
    const numbers = await numbersSeen(page, 200);
    // Of the film there are these and no others, and it is played many times.
    const ofTheFilm = numbers.slice(-100).filter((number) => number >= 1 && number <= NUMBERS);
    expect(ofTheFilm).toHaveLength(100);
    await page.close();
  });

  it('is made by the SDK, which turns the camera off again', async () => {
    await using page = await SdkPage.open(browser, service.url);
    await page.connect({ prompt: 'a red ball', camera: true });
    const ofTheFilm = (numbers: number[]) => numbers.filter((number) => number >= 1 && number <= NUMBERS);
    expect(ofTheFilm((await numbersSeen(page, 150)).slice(-50))).toHaveLength(50);
    const readyState = await page.page.evaluate(async () => {
      const { live } = window as unknown as { live: Live };
      const track = live.camera!;
      await live.close();
      return track.readyState;
    });
    expect(readyState).toBe('ended');
  });

  it('gives back the pictures that a page paints', async () => {
    const page = await browser.newPage();
    await page.goto(`${service.url}/healthz`);
    const plan = {
      url: `${service.url}/whep?prompt=a+red+ball`,
      ...SIZE,
      fps: 30,
      watchMs: 2_000,
      patienceMs: 120_000,
    };
    expect((await page.evaluate(call, plan)).firstMs).toBeGreaterThan(0);
    await page.close();
  });
});
