/** Removes the folders named as arguments; `rm -rf` that also works where there is no shell. */
import { rm } from 'node:fs/promises';

for (const folder of process.argv.slice(2)) await rm(folder, { recursive: true, force: true });
