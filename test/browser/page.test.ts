import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Tier } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { PageFixture, becomes, rtpTimestamp, text } from '../support/page-fixture.ts';
import { WELCOME } from '../support/scripted-signaling-server.ts';

const fixture = new PageFixture();

const shared = { revision: 1, widthPx: 128, heightPx: 128 };
const cellOf = (slice: number, tier: Tier) => ({ slice, tier, startMs: slice * 667, durationMs: 667, computeMs: 9 });
const reach = (slice: number, tier: Tier) => fixture.server.send({ type: 'tier', ...shared, ...cellOf(slice, tier) });

/** The next frame on the glass is of this slice and tier. */
const play = async (page: Page, slice: number, tier: Tier, variant: 'full' | 'fast' = 'full') =>
  fixture.server.send({ type: 'playing', ...shared, slice, tier, variant, rtpTimestamp: await rtpTimestamp(page) });

describe('the page', () => {
  it('shows a picture of the first example without a click', async () => {
    const page = await fixture.open();
    expect(fixture.server.of('offer')[0]?.request).toMatchObject({
      prompt: WELCOME.generator.examples[0],
      mode: 'live',
    });
    expect(await page.inputValue('#prompt')).toBe(WELCOME.generator.examples[0]);
    expect(await page.locator('#examples button').allInnerTexts()).toEqual(WELCOME.generator.examples);
    await becomes(() => text(page, '#status-text'), 'Live');
  });

  it('begins with what its address says', async () => {
    await fixture.open('?prompt=a%20boat&seed=7&mode=clip');
    expect(fixture.server.of('offer')[0]?.request).toMatchObject({
      prompt: 'a boat',
      seed: 7,
      mode: 'clip',
      seconds: 4,
    });
  });

  it('takes a prompt that is too long as it is, says so, and sends nothing cut off', async () => {
    const page = await fixture.open();
    await becomes(() => text(page, '#status-text'), 'Live');
    const long = 'snow '.repeat(250).trim();
    await page.fill('#prompt', long);
    expect(await page.inputValue('#prompt')).toBe(long);
    await page.press('#prompt', 'Enter');
    const said = await page.evaluate(() => document.querySelector<HTMLInputElement>('#prompt')?.validationMessage);
    expect(said).toContain('1249 characters; at most 1000');
    await page.fill('#prompt', 'snow');
    await page.press('#prompt', 'Enter');
    await eventually(() => expect(fixture.server.of('prompt').map(({ prompt }) => prompt)).toEqual(['snow']));
  });

  it('fills the strip as slices reach tiers, and says so in words', async () => {
    const page = await fixture.open('?mode=clip');
    const strip = page.locator('#strip');
    reach(0, 'draft');
    reach(1, 'draft');
    await becomes(() => strip.getAttribute('aria-label'), 'Timeline: 2 draft');
    reach(0, 'base');
    reach(0, 'refined');
    await becomes(() => strip.getAttribute('aria-label'), 'Timeline: 1 refined, 1 draft');
    const colours = await strip.evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')?.getImageData(0, canvas.height - 3, canvas.width, 1) ?? { data: [] };
      const at = (part: number) => Math.round(canvas.width * part) * 4;
      return [0.08, 0.19].map((part) => Array.from(data.slice(at(part), at(part) + 3)));
    });
    expect(colours).toEqual([
      [0x3f, 0xe0, 0xb4],
      [0x8b, 0x7c, 0xf6],
    ]);
  });

  it('names the tier of the frame on the glass', async () => {
    const page = await fixture.open();
    reach(0, 'draft');
    await play(page, 0, 'draft');
    await becomes(() => text(page, '#badge'), 'draft 128×128');
    await play(page, 0, 'refined');
    await becomes(() => text(page, '#badge'), 'refined 128×128');
    expect(Number(await text(page, '[data-figure=firstFrame]'))).toBeGreaterThan(0);
  });

  it('says that the fast refiner is at work, why, and when it is no more', async () => {
    const page = await fixture.open();
    const legend = page.locator('.legend [data-variant=fast]');
    expect(await legend.isVisible()).toBe(false);
    for (const slice of [1, 2]) {
      fixture.server.send({ type: 'tier', ...shared, ...cellOf(slice, 'refined'), variant: 'fast' });
      await play(page, slice, 'refined', 'fast');
      await becomes(() => text(page, '#badge'), 'refined fast 128×128');
    }
    await becomes(() => text(page, '#status-text'), 'Live, fast refiner');
    expect(await text(page, '#sharpness')).toMatch(/^Fast refiner: the server is busy.*128×128 instead of 256×256/);
    expect(await legend.isVisible()).toBe(true);
    expect(await page.locator('#latency').innerText()).toContain('Prompt → refined (fast)');
    await play(page, 3, 'refined');
    await becomes(() => text(page, '#status-text'), 'Live');
    expect(await page.locator('#sharpness').isVisible()).toBe(false);
  });

  it('cuts to a new prompt, or bends over as many slices as are chosen', async () => {
    const page = await fixture.open();
    await page.fill('#prompt', 'snow');
    await page.press('#prompt', 'Enter');
    await becomes(async () => fixture.server.of('prompt')[0]?.transition, 'cut');
    await page.fill('#transition', '3');
    expect(await text(page, '#transition-value')).toBe('bends over 3 slices');
    await page.press('#prompt', 'Enter');
    await becomes(async () => fixture.server.of('prompt')[1]?.transitionSlices, 3);
    expect(fixture.server.of('prompt')[1]).toMatchObject({ transition: 'continue' });
  });

  it('strikes out the words the generator does not know', async () => {
    const page = await fixture.open();
    fixture.server.reading = { fields: { scene: 'city', time: 'night' }, unknownWords: ['gryphon', 'baroque'] };
    await page.fill('#prompt', 'a baroque gryphon');
    await page.press('#prompt', 'Enter');
    await becomes(() => page.locator('#unknown s').allInnerTexts(), ['gryphon', 'baroque']);
    expect(await page.locator('#fields li').allInnerTexts()).toEqual(['scene city', 'time night']);
    expect(fixture.server.of('prompt')[0]).toMatchObject({ prompt: 'a baroque gryphon' });
    expect(fixture.server.of('offer')).toHaveLength(1);
    expect(new URL(page.url()).searchParams.get('prompt')).toBe('a baroque gryphon');
  });

  it('says of a list what was understood of the prompt that is on screen', async () => {
    const page = await fixture.open();
    const [noon, night] = [{ time: 'noon' }, { time: 'night' }];
    fixture.server.reading = { fields: noon, unknownWords: [] };
    fixture.server.prompts = [
      { prompt: 'noon', fromSlice: 0, travelSlices: 0, fields: noon },
      { prompt: 'night', fromSlice: 1, travelSlices: 1, fields: night },
    ];
    await page.fill('#prompt', 'noon | night');
    await page.press('#prompt', 'Enter');
    await becomes(() => page.locator('#fields li').allInnerTexts(), ['time noon']);
    fixture.server.send({ type: 'tier', ...shared, revision: 2, ...cellOf(1, 'draft') });
    fixture.server.send({
      type: 'playing',
      ...shared,
      revision: 2,
      slice: 1,
      tier: 'draft',
      rtpTimestamp: await rtpTimestamp(page),
    });
    await becomes(() => page.locator('#fields li').allInnerTexts(), ['time night']);
  });

  it('asks for words where there are none, until there are', async () => {
    const page = await fixture.open();
    await becomes(() => text(page, '#status-text'), 'Live');
    await page.fill('#prompt', ' ');
    await page.press('#prompt', 'Enter');
    await becomes(() => text(page, '#status-text'), 'Describe something first.');
    await page.fill('#prompt', 'snow');
    await page.press('#prompt', 'Enter');
    expect(await text(page, '#status-text')).toBe('Live');
  });

  it('measures from Enter to the new revision on the glass', async () => {
    const page = await fixture.open();
    await page.fill('#prompt', 'snow');
    await page.press('#prompt', 'Enter');
    await becomes(() => Promise.resolve(fixture.server.revision), 2);
    const now = await rtpTimestamp(page);
    fixture.server.send({ type: 'playing', ...shared, revision: 2, slice: 0, tier: 'draft', rtpTimestamp: now });
    await eventually(async () => expect(Number(await text(page, '[data-figure=steer]'))).toBeGreaterThan(0));
  });

  it('can be used with the keyboard alone', async () => {
    const page = await fixture.open('?mode=clip');
    reach(0, 'draft');
    await page.locator('body').press(' ');
    await becomes(() => Promise.resolve(fixture.server.of('pause').length), 1);
    expect(await page.getAttribute('#pause', 'aria-label')).toBe('Play');
    await page.focus('#prompt');
    await page.keyboard.press('End');
    await page.keyboard.type(' x');
    expect(fixture.server.of('play')).toHaveLength(0);

    const reached: string[] = [];
    await page.locator('body').evaluate(() => (document.activeElement as HTMLElement).blur());
    for (let press = 0; press < 14; press++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName || ''));
    }
    for (const id of ['prompt', 'pause', 'strip', 'seed', 'dice', 'guidance']) expect(reached).toContain(id);
    await page.focus('#strip');
    await page.keyboard.press('ArrowRight');
    await becomes(() => Promise.resolve(fixture.server.of('seek').length), 1);
  });

  it('throws the dice, and asks anew only when the mode changes', async () => {
    const page = await fixture.open();
    await page.click('#dice');
    await becomes(() => Promise.resolve(fixture.server.of('steer').length), 1);
    const seed = fixture.server.of('steer')[0]?.seed;
    await becomes(() => page.inputValue('#seed'), String(seed));
    await page.check('input[value=clip]', { force: true });
    await becomes(() => Promise.resolve(fixture.server.of('offer').length), 2);
    expect(fixture.server.of('offer')[1]?.request).toMatchObject({ mode: 'clip', seed });
    expect(fixture.server.of('bye')).toHaveLength(1);
  });

  it('refuses a seed that is none, says so and shows the last one again', async () => {
    const page = await fixture.open('?seed=7');
    await becomes(() => page.inputValue('#seed'), '1');
    await page.fill('#seed', '99999999999');
    await page.press('#seed', 'Enter');
    await becomes(() => text(page, '#status-text'), 'A seed is a whole number from 0 to 4294967295.');
    expect(await page.inputValue('#seed')).toBe('1');
    expect(fixture.server.of('steer')).toHaveLength(0);
  });

  it('fits a phone: one column, nothing to scroll sideways, targets a thumb can hit', async () => {
    const page = await fixture.open('', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(widths).toEqual([390, 390]);
    const boxes = await page
      .locator('button:visible, .segments label')
      .evaluateAll((buttons) => buttons.map((button) => button.getBoundingClientRect().height));
    expect(Math.min(...boxes)).toBeGreaterThanOrEqual(38);
  });

  it('stands still for those who ask for reduced motion', async () => {
    const page = await fixture.open('', { reducedMotion: 'reduce' });
    const duration = await page.locator('#dice').evaluate((button) => getComputedStyle(button).transitionDuration);
    expect(duration).toBe('0s');
  });
});
