/** The children of `npm run dev`: the service under `node --watch`, and Vite. One that ends takes the other along. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const service = ['--watch', '--watch-preserve-output', 'bin/glimpse.js', 'serve', ...process.argv.slice(2)];
const page = ['node_modules/vite/bin/vite.js', 'client-demo', '--clearScreen', 'false'];
const children = [service, page].map((args) => spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }));

const stop = (): void => children.forEach((child) => child.kill());
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, stop);
await Promise.race(children.map((child) => once(child, 'exit')));
stop();
await Promise.all(children.map(async (child) => child.exitCode ?? child.signalCode ?? (await once(child, 'exit'))));
process.exit();
