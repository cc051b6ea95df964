/** The directory of the built demo page. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Beside the compiled service in a package; in the demo's own folder in a checkout. */
export function pageDirectory(): string | undefined {
  const candidates = ['../../page', '../../client-demo/dist'];
  return candidates.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(path));
}
