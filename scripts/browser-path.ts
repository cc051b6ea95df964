/** Where a Chrome or Chromium is on this machine; the one place that knows, for the tests and for `find-test-tools.ts`. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const PLACES = [
  '/usr/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Path of an executable: `CHROME_PATH` when set, else the usual places, else the search path. */
export function findBrowser(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment['CHROME_PATH'];
  if (named !== undefined && named !== '') return isExecutable(named) ? named : undefined;
  const searched = (environment['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  const candidates = [...PLACES, ...NAMES.flatMap((name) => searched.map((directory) => join(directory, name)))];
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
