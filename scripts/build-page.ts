/**
 * Builds the demo page into `client-demo/dist`, where the service looks for it. The new page takes the old one's place only when
 * it is whole, so a folder that cannot be written is no reason not to serve the page that was built before.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'vite';

const root = join(import.meta.dirname, '../client-demo');
const place = join(root, 'dist');
const REASONS: Record<string, string> = {
  EACCES: 'no write permission',
  EPERM: 'no write permission',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
};

/** @returns false when there is no page to serve; one line on standard error says why */
export async function buildPage(): Promise<boolean> {
  const built = await build({ root, logLevel: 'error', build: { write: false } });
  const outputs = [built].flat().flatMap((result) => ('output' in result ? result.output : []));
  try {
    replaceWith(outputs);
    return true;
  } catch (error) {
    const reason = REASONS[error instanceof Error && 'code' in error ? String(error.code) : ''];
    if (reason === undefined) throw error;
    const isBuilt = existsSync(join(place, 'index.html'));
    const then = isBuilt ? 'The page built before is served.' : 'Make room or give write permission, and start again.';
    console.error(`The page cannot be written to client-demo/dist: ${reason}. ${then}`);
    return isBuilt;
  }
}

type Output = { fileName: string } & ({ type: 'chunk'; code: string } | { type: 'asset'; source: string | Uint8Array });

function replaceWith(outputs: readonly Output[]): void {
  const fresh = mkdtempSync(`${place}-`);
  try {
    for (const output of outputs) {
      const path = join(fresh, output.fileName);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, output.type === 'chunk' ? output.code : output.source);
    }
    rmSync(place, { recursive: true, force: true });
    renameSync(fresh, place);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

if (import.meta.main && !(await buildPage())) process.exitCode = 1;
