/**
 * What must be there before anything of the service can be loaded: a Node that can run it and a complete `node_modules`.
 * Plain JavaScript without syntax younger than Node 14 understands, so that an old Node prints the words below and no SyntaxError.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The compiled package uses `zstdCompress`, which Node has since this version. */
const NEEDED_BY_PACKAGE = [22, 15];
/** A clone runs TypeScript as it stands, with `await using`: Node 24. `npm ci` installs one for the usual platforms. */
const NEEDED_BY_CLONE = [24, 0];

const root = new URL('../', import.meta.url);

/** Whether this is a clone, which runs from source, and not the published package. */
export const isClone = () => existsSync(new URL('src/cli.ts', root));

/**
 * @param {string} version as in `process.versions.node`
 * @param {boolean} fromSource whether TypeScript is run as it stands
 * @returns {string | undefined} one line in words when that Node is too old
 */
export function nodeComplaint(version = process.versions.node, fromSource = isClone()) {
  const [major, minor] = version.split('.').map(Number);
  const [neededMajor, neededMinor] = fromSource ? NEEDED_BY_CLONE : NEEDED_BY_PACKAGE;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined;
  const needed = `Glimpse needs Node ${neededMajor}.${neededMinor} or newer, and this is Node ${version}.`;
  return fromSource
    ? `${needed} Start it with "npm start" or "npm run glimpse --", which use the Node that "npm ci" brings; where it brings none, install Node ${neededMajor} from https://nodejs.org.`
    : `${needed} Install it from https://nodejs.org, or run "npx -p node@24 -p glimpse glimpse".`;
}

/**
 * @param {string[]} names packages that must be there; those of package.json when left out
 * @returns {string | undefined} one line in words when some are missing
 */
export function packagesComplaint(names = dependencyNames()) {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return undefined;
  const some = missing.slice(0, 3).join(', ') + (missing.length > 3 ? ` and ${missing.length - 3} more` : '');
  const cure = isClone() ? `Run "npm ci" in ${fileURLToPath(root)}.` : 'Install glimpse again.';
  return `node_modules is missing or incomplete (not found: ${some}). ${cure}`;
}

/** In a clone, also what builds and tests it. */
function dependencyNames() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  return Object.keys({ ...dependencies, ...devDependencies });
}

/** Folders of every level, not `require.resolve`: a package may hide its package.json and have no CommonJS entry. */
function isInstalled(name) {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  return folders.some((folder) => existsSync(`${folder}/${name}/package.json`));
}
