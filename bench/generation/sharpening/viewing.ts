/** A newcomer with the demo page: opens it, watches, and asks for other prompts. One real browser beside the service. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { RECORD, record, type PageRecord } from './page-record.ts';

export interface ViewingPlan {
  url: string;
  seed: number;
  /** The first is watched when the page opens, the others are typed into it. */
  prompts: readonly string[];
  /** How long each prompt but the last is watched, ms, and the last one. */
  eachMs: number;
  lastMs: number;
}

/** Nothing is measured of a page that does not come up in this time. */
const PATIENCE_MS = 60_000;

export async function watchPage(browser: Browser, plan: ViewingPlan): Promise<PageRecord> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  try {
    await page.addInitScript(record, RECORD);
    const [first = '', ...others] = plan.prompts;
    await page.goto(`${plan.url}/?${new URLSearchParams({ prompt: first, seed: String(plan.seed) })}`);
    await page.locator('#badge').waitFor({ state: 'visible', timeout: PATIENCE_MS });
    for (const prompt of others) {
      await page.waitForTimeout(plan.eachMs);
      await page.fill('#prompt', prompt);
      await page.press('#prompt', 'Enter');
    }
    await page.waitForTimeout(plan.lastMs);
    return await page.evaluate((name) => Reflect.get(window, name) as PageRecord, RECORD);
  } finally {
    await page.close();
  }
}

/** Builds the demo page where there is a checkout to build it from; a package has it. */
export async function buildPage(): Promise<void> {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const vite = `${root}node_modules/vite/bin/vite.js`;
  if (!existsSync(`${root}client-demo/vite.config.ts`) || !existsSync(vite)) return;
  await promisify(execFile)(process.execPath, [vite, 'build', 'client-demo', '--logLevel', 'error'], { cwd: root });
}
