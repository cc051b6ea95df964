/** The WHEP player of `whip-whep` in one script, with its exports in `whep`: a client that no one here wrote. */
import { build } from 'vite';

let bundled: Promise<string> | undefined;

export const bundledPlayer = (): Promise<string> => (bundled ??= bundle());

async function bundle(): Promise<string> {
  const lib = { entry: 'node_modules/whip-whep/whep.js', formats: ['iife' as const], name: 'whep' };
  const built = await build({ configFile: false, logLevel: 'error', build: { write: false, lib } });
  const [chunk] = [built].flat().flatMap((result) => ('output' in result ? result.output : []));
  if (chunk?.type !== 'chunk') throw new Error('no bundle');
  return chunk.code;
}
