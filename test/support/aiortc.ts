/** aiortc as a WHEP viewer, in a process of its own. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const VIEWER = join(import.meta.dirname, 'aiortc-viewer.py');
/** Debian's own: another one on the PATH does not have the package. */
const PYTHON = '/usr/bin/python3';

export const hasAiortc = spawnSync(PYTHON, ['-c', 'import aiortc']).status === 0;

/** @returns its lines, once it has seen some frames and ended its session */
export async function watchWithAiortc(whepUrl: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(PYTHON, [VIEWER, whepUrl], { timeout: 120_000 });
  return stdout.trim().split('\n');
}
