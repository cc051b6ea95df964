/**
 * Fails a run that leaves something: a path in the checkout, a file in the folder for temporary files (each run has one
 * of its own), or a process.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';

const ROOT = resolve(import.meta.dirname, '../..');
/** Not made by tests, or made anew by the build. */
const APART = new Set(['.git', 'node_modules', 'dist', 'client-demo/dist']);
/** Compiled modules, shared by all processes of a run; some child asks for its own by this name too. */
const COMPILED = 'node-compile-cache';
/** What programs keep between runs by its purpose, calibrations for example. Of this run alone, so that none knows of another. */
const CACHE = 'cache';
/** Its workers, and what ends them should it die. */
const VITEST = /^vitest-watchdog|vitest\/dist\//;
/** What is closing as the run ends may take a moment. */
const SETTLE_MS = 10_000;
const POLL_MS = 100;
const MARK = 'GLIMPSE_TEST_RUN';

/** @param settleMs for its own test */
export default function setup(
  { config }: { config: Pick<TestProject['config'], 'watch'> },
  settleMs = SETTLE_MS,
): (() => Promise<void>) | undefined {
  // Whoever watches also edits.
  if (config.watch) return undefined;
  const before = new Set(paths(ROOT));
  forgetInterrupted();
  const temporary = mkdtempSync(join(tmpdir(), `glimpse-tests-${process.pid}-`));
  // Inherited by every worker and all that it starts.
  process.env['TMPDIR'] = temporary;
  process.env[MARK] = temporary;
  // Half of what starting our command takes, which the tests do a hundred times.
  process.env['NODE_COMPILE_CACHE'] = join(temporary, COMPILED);
  process.env['XDG_CACHE_HOME'] = join(temporary, CACHE);
  // Browsers look for a sound server, and leave a folder for it.
  process.env['PULSE_RUNTIME_PATH'] = join(temporary, CACHE);
  return async () => {
    const left = () => [
      ...paths(ROOT)
        .filter((path) => !before.has(path))
        .map((path) => `in the checkout: ${path}`),
      ...readdirSync(temporary)
        .filter((name) => name !== COMPILED && name !== CACHE)
        .map((name) => `in the temporary folder: ${name}`),
      ...processes(temporary).map((name) => `running: ${name}`),
    ];
    for (const deadline = performance.now() + settleMs; left().length > 0 && performance.now() < deadline;)
      await sleep(POLL_MS);
    const found = left();
    rmSync(temporary, { recursive: true, force: true });
    if (found.length > 0) throw new Error(`The tests left something:\n  ${found.join('\n  ')}`);
  };
}

/** The folders of runs that were killed before they could remove them. */
function forgetInterrupted(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^glimpse-tests-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Of all files and folders below, empty folders too: git does not show those. */
function paths(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const name = relative(ROOT, path);
    if (APART.has(name) || entry.name === 'node_modules') return [];
    return entry.isDirectory() ? [name, ...paths(path)] : [name];
  });
}

/** Processes that a test has begun: they have inherited the mark. */
function processes(mark: string): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        // The inference process has only the folder.
        const isOurs = [MARK, 'TMPDIR'].some((name) => environment.includes(`${name}=${mark}\0`));
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
        if (!isOurs || words.length === 0 || words.some((word) => VITEST.test(word))) return [];
        return [`${pid} ${words.slice(0, 4).join(' ')}`];
      } catch {
        // Ended meanwhile.
        return [];
      }
    });
}
