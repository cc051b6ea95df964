/** Where the built demo page lies. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The built page: beside the compiled service in a package, in the demo's own folder in a checkout. */
export function pageDirectory(): string | undefined {
  const candidates = ['../../page', '../../client-demo/dist'];
  return candidates.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(path));
}
