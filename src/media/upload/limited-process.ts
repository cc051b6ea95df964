/**
 * Runs a program on what a stranger sent, with as little as it needs: nothing of this process's environment (secrets are
 * in it), a bound on its memory, its time and what it may write, and nothing to read but its arguments. The bounds are
 * the shell's `ulimit`; macOS knows none for address space and Windows none at all: there the budgets of pixels, and the
 * time, are what holds.
 */
import { spawn } from 'node:child_process';
import { LIMITS } from '../../limits.ts';
import { NO_ENVIRONMENT } from '../ffmpeg-binary.ts';

export interface ProcessLimits {
  /** Address space. */
  memoryBytes: number;
  /** Working folder, and all that it should write to. */
  folder: string;
  signal: AbortSignal;
}

export interface ProcessEnd {
  /** What it printed, of which no more than a few lines are kept. */
  output: string;
  /** Exited with 0 of its own. */
  ok: boolean;
  /** It took too long, or its caller was gone. */
  killed: boolean;
}

const OUTPUT_MAX_CHARS = 4_096;
/** `ulimit -f` counts in these. */
const BLOCK_BYTES = 512;
/** Limits that this system does not know leave the others in force. */
const LIMITED = 'ulimit -c 0; ulimit -v "$1"; ulimit -t "$2"; ulimit -f "$3"; shift 3; exec "$@"'.replaceAll(
  /(ulimit[^;]+);/g,
  '$1 2>/dev/null;',
);

/** Never rejects: a program that cannot be started has not ended well. */
export function runLimited(command: readonly string[], limits: ProcessLimits): Promise<ProcessEnd> {
  const { memoryBytes, folder, signal } = limits;
  const timeoutMs = LIMITS.inputDecodeTimeoutMs;
  const bounds = [memoryBytes / 1024, timeoutMs / 1_000 + 1, LIMITS.inputResultMaxBytes / BLOCK_BYTES];
  const [program = '', ...options] =
    process.platform === 'win32' ? command : ['/bin/sh', '-c', LIMITED, 'sh', ...bounds.map(String), ...command];
  const child = spawn(program, options, {
    cwd: folder,
    env: NO_ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'ignore'],
    windowsHide: true,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    signal,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(0, OUTPUT_MAX_CHARS);
  });
  return new Promise((resolve) => {
    // One that cannot be started has no `close`; one that is killed has both.
    child.once('error', () => child.pid === undefined && resolve({ output, ok: false, killed: false }));
    child.once('close', (exitCode, by) => resolve({ output, ok: exitCode === 0, killed: by === 'SIGKILL' }));
  });
}
