/** The sound of the whole service in a real browser: heard, in step with the picture's control, and absent where there is none. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AvPage, avOffsetsMs } from '../../bench/support/browser/av-page.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { startPattern } from '../support/pattern-service.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

describe('sound in Chromium', () => {
  it('is heard: a beep for each flash, through a change of prompt, and not while paused', async () => {
    await using warm = await startPattern({ beep: true });
    await warm.close('only to load libraries');
    const before = takeHoldings();
    {
      await using service = await startPattern({ beep: true, size: '128x128' });
      await using page = await AvPage.open(browser, service.url);
      await page.play({ prompt: 'first' });
      const first = await page.until((measured) => avOffsetsMs(measured).length >= 2);
      expect(first.beepsMs.length).toBeGreaterThanOrEqual(2);
      const session = service.sessions.get(page.sessionId);
      await session.control({ type: 'prompt', prompt: 'second' });
      await page.until(({ beepsMs }) => beepsMs.length >= first.beepsMs.length + 2);
      await session.control({ type: 'pause' });
      // What was on its way is heard; then the browser fills up silence by itself.
      const silent = await page.until(({ longestGapMs }) => longestGapMs > 1_500);
      const paused = silent.beepsMs.length;
      await session.control({ type: 'play' });
      await page.until(({ beepsMs }) => beepsMs.length > paused);
      await session.close('test over');
    }
    await expectNoLeaks(before);
  });

  it('comes with the SDK and its page: muted until asked for', async () => {
    await using service = await startPattern({ beep: true });
    const page = await browser.newPage();
    await page.goto(service.url);
    await page.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0);
    const button = page.getByRole('button', { name: 'Turn sound on' });
    await button.waitFor();
    expect(await page.evaluate(() => document.querySelector('video')!.muted)).toBe(true);
    await button.click();
    await page.getByRole('button', { name: 'Turn sound off' }).waitFor();
    const audible = () => {
      const video = document.querySelector('video')!;
      const { kind, muted } = (video.srcObject as MediaStream).getAudioTracks()[0]!;
      return { kind, silentTrack: muted, muted: video.muted, paused: video.paused };
    };
    await page.waitForFunction(
      () => !(document.querySelector('video')!.srcObject as MediaStream).getAudioTracks()[0]!.muted,
    );
    expect(await page.evaluate(audible)).toEqual({ kind: 'audio', silentTrack: false, muted: false, paused: false });
    await page.close();
  });

  it('is not there without sound in the generator: no track, and the picture as ever', async () => {
    await using service = await startPattern();
    await using page = await AvPage.open(browser, service.url);
    await page.play({ prompt: 'silent' });
    const kinds = await page.page.evaluate(() => {
      const { peer } = window as unknown as { peer: RTCPeerConnection };
      return peer.getTransceivers().map(({ currentDirection, receiver }) => [receiver.track.kind, currentDirection]);
    });
    expect(kinds).toEqual([
      ['audio', 'inactive'],
      ['video', 'recvonly'],
    ]);
  });
});
