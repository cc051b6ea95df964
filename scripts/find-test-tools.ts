/**
 * Prints where the tools that the tests drive are. With `--install`, on a Debian-like system and as root, installs what
 * is missing; without a browser nothing goes, so then it says in one line what to do and exits with 1. Runs before
 * `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findBrowser } from './browser-path.ts';
import { findTool, TOOLS } from './tool-path.ts';

const isRootOnDebian = process.getuid?.() === 0 && existsSync('/etc/debian_version');

function install(packages: readonly string[]): void {
  for (const command of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status } = spawnSync('apt-get', command, { stdio: 'inherit', env: environment });
    if (status !== 0) return;
  }
}

const missing = TOOLS.filter(({ program }) => findTool(program) === undefined).flatMap(({ debianPackage }) =>
  debianPackage.split(' '),
);
if (findBrowser() === undefined) missing.unshift('chromium');
if (missing.length > 0 && process.argv.includes('--install') && isRootOnDebian) install(missing);

for (const { program, debianPackage, tests } of TOOLS)
  console.log(`${program}: ${findTool(program) ?? `not found (Debian: ${debianPackage}); ${tests} are skipped`}`);
const browser = findBrowser();
if (browser === undefined) {
  console.error(
    'No Chrome or Chromium found: install one (Debian: apt-get install chromium) or set CHROME_PATH to it.',
  );
  process.exitCode = 1;
} else {
  console.log(`browser: ${browser}`);
}
