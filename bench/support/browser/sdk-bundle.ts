/** The browser SDK in one script, as a product would bundle it, with its exports in `glimpse`. */
import { build } from 'vite';

let bundled: Promise<string> | undefined;

export const bundledSdk = (): Promise<string> => (bundled ??= bundle());

async function bundle(): Promise<string> {
  const lib = { entry: 'src/client/index.ts', formats: ['iife' as const], name: 'glimpse' };
  const built = await build({ configFile: false, logLevel: 'error', build: { write: false, lib } });
  const [chunk] = [built].flat().flatMap((result) => ('output' in result ? result.output : []));
  if (chunk?.type !== 'chunk') throw new Error('no bundle');
  return chunk.code;
}
