import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { describe, expect, it } from 'vitest';

const MAX_GZIP_BYTES = 12 * 1024;

describe('the bundle of the SDK', () => {
  it('has no dependency and stays under 12 kB gzipped', async () => {
    const lib = { entry: 'src/client/index.ts', formats: ['es' as const] };
    const built = await build({ configFile: false, logLevel: 'error', build: { write: false, minify: true, lib } });
    const chunks = [built].flat().flatMap((result) => ('output' in result ? result.output : []));
    const [chunk] = chunks;
    if (chunk?.type !== 'chunk') throw new Error('no bundle');
    expect(chunks).toHaveLength(1);
    expect(chunk.imports).toEqual([]);
    const foreign = chunk.moduleIds.filter((id) => !id.startsWith(`${process.cwd()}/src/client/`));
    expect(foreign).toEqual([]);
    expect(gzipSync(chunk.code).length).toBeLessThan(MAX_GZIP_BYTES);
  });
});
