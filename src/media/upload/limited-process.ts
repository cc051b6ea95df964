/**
 * Runs a program on untrusted input with minimal rights: an empty environment (ours holds secrets), limits on memory,
 * time and output size, and no input but its arguments. The limits are the shell's `ulimit`. macOS has none for address
 * space and Windows has no `ulimit`; there only the pixel budgets and the timeout apply.
 */
import { spawn } from 'node:child_process';
import { LIMITS } from '../../limits.ts';
import { NO_ENVIRONMENT } from '../ffmpeg-binary.ts';

export interface ProcessLimits {
  /** Address space. */
  memoryBytes: number;
  /** Working folder, the only place it should write to. */
  folder: string;
  signal: AbortSignal;
}

export interface ProcessEnd {
  /** Its standard output, limited to a few lines. */
  output: string;
  /** It exited by itself with 0. */
  ok: boolean;
  /** It took too long, or the caller aborted. */
  killed: boolean;
}

const OUTPUT_MAX_CHARS = 4_096;
/** Unit of `ulimit -f`. */
const BLOCK_BYTES = 512;
/** A limit unknown to this system leaves the others in force. */
const LIMITED = 'ulimit -c 0; ulimit -v "$1"; ulimit -t "$2"; ulimit -f "$3"; shift 3; exec "$@"'.replaceAll(
  /(ulimit[^;]+);/g,
  '$1 2>/dev/null;',
);

/**
 * The command with a limit on its address space, for a process that lives longer than one upload.
 * @param memoryBytes address space; Node itself reserves `NODE_RESERVES_BYTES`
 */
export function withMemoryLimit(command: readonly string[], memoryBytes: number): readonly string[] {
  if (process.platform === 'win32') return command;
  const limited = 'ulimit -c 0 2>/dev/null; ulimit -v "$1" 2>/dev/null; shift 1; exec "$@"';
  return ['/bin/sh', '-c', limited, 'sh', String(Math.ceil(memoryBytes / 1024)), ...command];
}

/** Address space that Node reserves at start. */
export const NODE_RESERVES_BYTES = 2 * 1024 * 1024 * 1024;

/** Never rejects: a program that cannot be started has `ok` false. */
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
    // A program that cannot be started emits no `close`; a killed one emits both.
    child.once('error', () => child.pid === undefined && resolve({ output, ok: false, killed: false }));
    child.once('close', (exitCode, by) => resolve({ output, ok: exitCode === 0, killed: by === 'SIGKILL' }));
  });
}
