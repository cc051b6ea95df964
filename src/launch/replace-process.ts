/**
 * Restarts Node within the same process (execve(2)), with settings that apply only at process start. Process id,
 * terminal and standard streams stay the same, and so do signals and exit code. Costs one start of Node, some 40 ms.
 * Where execve is missing (Windows, older Node) the process continues unchanged.
 */
import { accessSync, constants } from 'node:fs';
import { withMemorySettings } from './memory-settings.ts';

/** The members of Node's `process` that are needed. */
export interface Replaceable {
  execPath: string;
  execArgv: readonly string[];
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** IPC channel to a parent, which a new program could not continue. */
  channel?: unknown;
  execve?: ((file: string, args: string[], environment: Record<string, string | undefined>) => void) | undefined;
}

/** Commands that run as long as the service does. */
const LONG_LIVED = ['serve'];

/** Does not return when it replaces the process. Never throws. */
export function replaceProcess({ execPath, execArgv, argv, env, channel, execve }: Replaceable): void {
  const [, script = '', command = ''] = argv;
  if (!LONG_LIVED.includes(command) || channel !== undefined || execve === undefined) return;
  const start = withMemorySettings({ nodeFlags: execArgv, environment: env });
  if (!start) return;
  try {
    // Older Nodes abort when the program file is missing.
    accessSync(execPath, constants.X_OK);
    execve(execPath, [execPath, ...start.nodeFlags, script, ...argv.slice(2)], { ...start.environment });
  } catch {
    // Without the settings memory grows further; nothing else changes.
  }
}
