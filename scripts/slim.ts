/**
 * Removes from `node_modules` what this machine never loads: ONNX Runtime of other systems (240 MB), and the Node that `npm ci`
 * brings (190 MB) where the one that runs this will do. For images and servers; `npm ci` brings all of it back.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeComplaint } from '../bin/requirements.js';

const modules = join(import.meta.dirname, '../node_modules');
const runtimes = join(modules, 'onnxruntime-node/bin/napi-v6');

const foreign = readdirSync(runtimes)
  .flatMap((system) => readdirSync(join(runtimes, system)).map((cpu) => join(system, cpu)))
  .filter((place) => place !== join(process.platform, process.arch))
  .map((place) => join(runtimes, place));
const isOwnNode = process.execPath.startsWith(modules);
const nodes =
  isOwnNode || nodeComplaint(process.versions.node, false) !== undefined
    ? []
    : readdirSync(modules).filter((name) => /^node-(bin-darwin|darwin|linux|win)-(x64|arm64)$/.test(name));
const link = join(modules, '.bin/node');
for (const path of [...foreign, ...nodes.map((name) => join(modules, name)), ...(nodes.length > 0 ? [link] : [])]) {
  if (existsSync(path)) console.log(`removed ${path.slice(modules.length + 1)}`);
  rmSync(path, { recursive: true, force: true });
}
