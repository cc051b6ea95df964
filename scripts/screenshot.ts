/**
 * Takes the picture for the README from a running server:
 * `node scripts/screenshot.ts http://127.0.0.1:8080 docs/screenshot.png [WIDTHxHEIGHT] [SECONDS]`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { launchChromium } from '../bench/support/browser/chromium.ts';

/** Long enough for the strip to fill and for the plots to have a line. */
const DEFAULT_SECONDS = '14';

const [url, file, size = '1280x800', seconds = DEFAULT_SECONDS] = process.argv.slice(2);
if (url === undefined || file === undefined) throw new Error('usage: screenshot.ts URL FILE [WIDTHxHEIGHT] [SECONDS]');
const [width = 1280, height = 800] = size.split('x').map(Number);

const browser = await launchChromium();
try {
  const phone = width < 600;
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: 2, hasTouch: phone });
  page.on('pageerror', (error) => console.error(error));
  await page.goto(url);
  await page.locator('#badge').waitFor({ timeout: 20_000 });
  await sleep(Number(seconds) * 500);
  // Steered half-way, so that the strip shows two revisions and the latency of steering is there.
  await page.locator('#examples button').nth(1).click();
  await sleep(Number(seconds) * 500);
  await page.screenshot({ path: file });
} finally {
  await browser.close();
}
