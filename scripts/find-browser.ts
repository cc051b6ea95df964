/**
 * Prints where the browser for the tests is. With `--install`, on a Debian-like system and as root, installs Chromium
 * when there is none; otherwise says in one line what to do and exits with 1. Runs before `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findBrowser } from './browser-path.ts';

const isRootOnDebian = process.getuid?.() === 0 && existsSync('/etc/debian_version');

function install(): void {
  for (const command of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status } = spawnSync('apt-get', command, { stdio: 'inherit', env: environment });
    if (status !== 0) return;
  }
}

if (findBrowser() === undefined && process.argv.includes('--install') && isRootOnDebian) install();
const browser = findBrowser();
if (browser === undefined) {
  console.error(
    'No Chrome or Chromium found: install one (Debian: apt-get install chromium) or set CHROME_PATH to it.',
  );
  process.exitCode = 1;
} else {
  console.log(`browser: ${browser}`);
}
