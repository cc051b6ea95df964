import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Tier } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { PageFixture, becomes, rtpTimestamp, text } from '../support/page-fixture.ts';

const fixture = new PageFixture();

const shared = { revision: 1, widthPx: 128, heightPx: 128 };

interface WatchedWindow {
  darkest: number;
}

/** From here on, the mean brightness of each animation frame's picture is looked at, 0 … 255. */
const watchBrightness = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const watched = window as unknown as WatchedWindow;
    const context = new OffscreenCanvas(8, 8).getContext('2d', { willReadFrequently: true })!;
    watched.darkest = 255;
    const look = () => {
      context.clearRect(0, 0, 8, 8);
      context.drawImage(document.querySelector('video')!, 0, 0, 8, 8);
      const { data } = context.getImageData(0, 0, 8, 8);
      const mean = data.reduce((sum, value, index) => (index % 4 === 3 ? sum : sum + value), 0) / 192;
      watched.darkest = Math.min(watched.darkest, mean);
      requestAnimationFrame(look);
    };
    look();
  });

const darkest = (page: Page): Promise<number> => page.evaluate(() => (window as unknown as WatchedWindow).darkest);

/** The next frame on the glass is of this tier. */
const play = async (page: Page, tier: Tier) =>
  fixture.server.send({ type: 'playing', ...shared, slice: 0, tier, rtpTimestamp: await rtpTimestamp(page) });

describe('the page that waits or has lost its connection', () => {
  it('says in words why there is no picture, and offers to try again', async () => {
    fixture.server.script = ({ type, ...message }, reply) => {
      if (type !== 'offer') return false;
      const { id } = message as { id?: number };
      reply({ type: 'error', id, code: 'CODEC_UNSUPPORTED', message: '', retryable: false });
      return true;
    };
    const page = await fixture.load();
    await becomes(
      () => text(page, '#status-text'),
      'This browser and the server share no video codec. Use a current Chrome, Firefox or Safari.',
    );
    fixture.server.script = () => false;
    await page.click('#again');
    await becomes(() => text(page, '#status-text'), 'Live');
  });

  it('comes back by itself when the socket dies', async () => {
    const page = await fixture.open();
    fixture.server.dropSockets();
    await becomes(() => Promise.resolve(fixture.server.of('resume').length), 1);
    await becomes(() => text(page, '#status-text'), 'Live');
  });

  it('keeps the last frame, under a badge that claims no tier, until a new session has a picture', async () => {
    const page = await fixture.open();
    await play(page, 'draft');
    await becomes(() => text(page, '#badge'), 'draft 128×128');
    await watchBrightness(page);
    fixture.server.forgetSession();
    fixture.server.script = ({ type }) => type === 'offer';
    fixture.server.dropPeer();
    fixture.server.dropSockets();
    await becomes(() => text(page, '#badge'), 'reconnecting');
    await becomes(() => Promise.resolve(fixture.server.of('offer').length), 2);
    await page.waitForTimeout(500);
    fixture.server.script = () => false;
    fixture.server.dropSockets();
    await becomes(() => text(page, '#status-text'), 'Live');
    await rtpTimestamp(page);
    expect(await text(page, '#badge')).toBe('reconnecting');
    await play(page, 'base');
    await becomes(() => text(page, '#badge'), 'base 128×128');
    expect(await darkest(page)).toBeGreaterThan(60);
  });

  it('stops saying that it waits as soon as what it waited for plays', async () => {
    const page = await fixture.open();
    const words = () => text(page, '#status-text');
    fixture.server.script = (message, reply) => {
      if (message.type !== 'prompt') return false;
      reply({ type: 'accepted', id: message.id, revision: 2, queuePosition: 3, seed: 1, prompt: message.prompt });
      return true;
    };
    await page.fill('#prompt', 'snow');
    await page.press('#prompt', 'Enter');
    await becomes(words, 'Waiting: place 3 in line.');
    fixture.server.send({ type: 'playing', ...shared, slice: 4, tier: 'draft', rtpTimestamp: 1 });
    await page.waitForTimeout(200);
    expect(await words()).toBe('Waiting: place 3 in line.');
    fixture.server.send({ type: 'playing', ...shared, revision: 2, slice: 0, tier: 'draft', rtpTimestamp: 2 });
    await eventually(async () => expect(await words()).toBe('Live'));
  });
});
