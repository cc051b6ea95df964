/** A headless Chromium for tests: one place for its flags. Traffic stays on loopback, nothing is remembered. */
import { chromium, type Browser } from 'playwright-core';
import { findBrowser } from '../../../scripts/browser-path.ts';

/** Quiet, without GPU and QUIC, and allowed to play without a click. */
export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
] as const;

/** Ends what waits in vain, instead of the 30 s that a busy machine may need. */
const GIVE_UP_MS = 120_000;

/**
 * Launches Chromium with a fresh profile; the caller closes it.
 * @param flags added to the usual ones
 * @throws Error when there is no browser on this machine
 */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  return patient(await chromium.launch(launchOptions(flags)));
}

/** One that can be killed as a crash would: without a word to anybody. */
export async function launchMortalChromium(): Promise<{ browser: Browser; kill: () => Promise<void> }> {
  const server = await chromium.launchServer(launchOptions([]));
  return { browser: patient(await chromium.connect(server.wsEndpoint())), kill: () => server.kill() };
}

/** Its pages wait for what a test waits for. */
function patient(browser: Browser): Browser {
  const newPage = browser.newPage.bind(browser);
  browser.newPage = async (options) => {
    const page = await newPage(options);
    page.setDefaultTimeout(GIVE_UP_MS);
    return page;
  };
  return browser;
}

function launchOptions(flags: readonly string[]) {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new Error('no browser: run `node scripts/find-test-tools.ts --install`');
  return { executablePath, headless: true, args: [...CHROMIUM_FLAGS, ...flags], timeout: GIVE_UP_MS };
}
