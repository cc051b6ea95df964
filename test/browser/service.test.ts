/** The whole way with real parts: prompt → embedded model → tiers → encoder → RTP → Chromium. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import type { EncoderFactory } from '../../src/media/encode/encoder.ts';
import { encoderFactory } from '../../src/media/encode/encoders.ts';
import { startService, type Service } from '../../src/service.ts';
import { launchChromium } from '../../bench/support/browser/chromium.ts';
import { expectNoLeaks, takeHoldings, type Holdings } from '../support/no-leaks.ts';
import { WhepPage } from '../../bench/support/browser/whep-page.ts';

const config = (flags: Record<string, unknown>) =>
  loadConfig({ flags: { port: 0, logLevel: 'silent', calibrate: 'never', ...flags }, environment: {} });

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

describe('a prompt becomes a moving picture', () => {
  let before: Holdings;
  let service: Service;
  let encoded = 0;
  const counted: EncoderFactory = async (settings) => {
    const encoder = await encoderFactory('auto')(settings);
    const encode = encoder.encode.bind(encoder);
    encoder.encode = (...frame) => {
      encoded += 1;
      return encode(...frame);
    };
    return encoder;
  };
  beforeAll(async () => {
    // Native libraries stay open once loaded: what they hold is not a leak of a session.
    const first = await startService(config({}), { log: silentLog });
    await first.ready;
    await first.close('only to load libraries');
    before = takeHoldings();
    service = await startService(config({}), { log: silentLog, createEncoder: counted });
    await service.ready;
  });
  afterAll(async () => {
    await service.close('test over');
    expect(service.sessions.size).toBe(0);
    expect(service.peers.peerCount).toBe(0);
    await expectNoLeaks(before);
  });

  it('in a WHEP player, follows a new prompt, and ends by DELETE', async () => {
    const player = await WhepPage.open(browser, service.url);
    await player.play({ prompt: 'the sea at night', seed: '3' });
    await player.until(async () => (await player.frames()) >= 12);
    const night = await player.look();
    const answer = await player.control({ type: 'prompt', prompt: 'the desert by day', seed: 3 });
    expect(answer).toMatchObject({ status: 200, body: { revision: 1, seed: 3 } });
    // A day is far brighter than a night, above and below the horizon.
    const brightness = ([red, green, blue]: readonly number[]) => (red ?? 0) + (green ?? 0) + (blue ?? 0);
    await player.until(async () => brightness((await player.look()).upper) > brightness(night.upper) * 2);
    await player.until(async () => brightness((await player.look()).lower) > brightness(night.lower) * 2);
    const [red, , blue] = (await player.look()).lower;
    expect(red, 'sand is warm').toBeGreaterThan(blue + 20);
    expect(await player.end()).toBe(200);
    expect(service.sessions.size).toBe(0);
    await player.page.close();
  });

  it('reaches the refined tier and says so in the session state', async () => {
    const player = await WhepPage.open(browser, service.url);
    await player.play({ prompt: 'a red ball over a green meadow', seed: '5' });
    const state = async () =>
      (await (await fetch(`${service.url}/v1/sessions/${player.sessionId}`)).json()) as { stats: { tier: string } };
    await player.until(async () => (await state()).stats.tier === 'refined');
    expect((await state()).stats).toMatchObject({ state: 'live', mode: 'live', codec: 'VP8', widthPx: 256 });
    await player.end();
    await player.page.close();
  });

  it('plays a clip round and round without computing or encoding again', async () => {
    const player = await WhepPage.open(browser, service.url);
    await player.play({ prompt: 'snow falling on mountains', seed: '9', mode: 'clip', seconds: '1.3' });
    const stats = async () => service.sessions.get(player.sessionId).stats;
    await player.until(async () => (await stats()).tier === 'refined');
    expect((await stats()).durationMs).toBeCloseTo(1333.3, 0);
    // Three loops of 16 frames in a row that reached the viewer without one call of the encoder.
    let from = { encoded: -1, sent: 0 };
    await player.until(async () => {
      const sent = (await stats()).framesSent;
      if (encoded !== from.encoded) from = { encoded, sent };
      return sent >= from.sent + 48;
    });
    expect(await player.control({ type: 'seek', timeMs: 400 })).toMatchObject({ status: 200 });
    expect(await player.control({ type: 'pause' })).toMatchObject({ status: 200 });
    expect((await stats()).paused).toBe(true);
    await player.end();
    await player.page.close();
  });

  it('refuses what it cannot do, and what was running goes on', async () => {
    const player = await WhepPage.open(browser, service.url);
    await player.play({ prompt: 'the city at dawn', seed: '2' });
    expect(await player.control({ type: 'prompt', prompt: '   ' })).toMatchObject({
      status: 400,
      body: { error: { code: 'PROMPT_EMPTY' } },
    });
    expect(await player.control({ type: 'prompt', prompt: 'x'.repeat(3_000) })).toMatchObject({
      body: { error: { code: 'PROMPT_TOO_LONG' } },
    });
    expect(await player.control({ type: 'dance' })).toMatchObject({ body: { error: { code: 'MESSAGE_INVALID' } } });
    expect(await player.control({ type: 'seek', timeMs: 1 })).toMatchObject({
      body: { error: { code: 'PARAMETER_INVALID' } },
    });
    const frames = await player.frames();
    await player.until(async () => (await player.frames()) > frames + 6);
    await player.end();
    await player.page.close();
  });

  it('ends the session of a viewer whose page is gone', async () => {
    const player = await WhepPage.open(browser, service.url);
    const others = service.sessions.size;
    await player.play({ prompt: 'the sea', seed: '1' });
    expect(service.sessions.size).toBe(others + 1);
    await player.page.close();
    // Chromium says goodbye by DTLS when a page closes; then the session waits its grace time for a resume.
    await expect.poll(() => service.sessions.size).toBe(others);
  });
});

describe('the page', () => {
  it('shows a picture at once, sharpens it, and steers', async () => {
    const service = await startService(config({}), { log: silentLog });
    await service.ready;
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(service.url);
    await page.waitForFunction(() => (document.querySelector('video')?.videoWidth ?? 0) > 0);
    await page.getByText('refined', { exact: false }).first().waitFor();
    await page.getByRole('textbox').first().fill('a zebra over the sea at night');
    await page.keyboard.press('Enter');
    await page.getByText('zebra', { exact: true }).waitFor();
    expect(problems).toEqual([]);
    await page.close();
    await service.close('test over');
  });
});

describe('the test pattern', () => {
  it.each(['VP8', 'H264'] as const)('arrives in order over %s', async (codec) => {
    const before = takeHoldings();
    const service = await startService(config({ generator: 'pattern', size: '320x240', fps: 20 }), { log: silentLog });
    await service.ready;
    const player = await WhepPage.open(browser, service.url);
    await player.play({ prompt: 'test', seed: '1', codec });
    await player.until(async () => (await player.frames()) > 30);
    const { stats } = service.sessions.get(player.sessionId);
    expect(stats.codec).toBe(codec);
    expect(stats.widthPx * stats.heightPx).toBeGreaterThan(0);
    await player.end();
    await player.page.close();
    await service.close('test over');
    await expectNoLeaks(before);
  });
});
