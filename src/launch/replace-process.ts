/**
 * Starts Node again in this same process (execve(2)), with what can be set only as a process begins. Process id, terminal,
 * standard streams, and with them signals and exit code stay what they are, because it stays one process. Costs one start
 * of Node, some 40 ms. Where that is not possible (Windows, a Node without it) everything works as it is.
 */
import { accessSync, constants } from 'node:fs';
import { withMemorySettings } from './memory-settings.ts';

/** Of Node's `process`. */
export interface Replaceable {
  execPath: string;
  execArgv: readonly string[];
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Of a parent that talks to it, which a new process could not go on with. */
  channel?: unknown;
  execve?: ((file: string, args: string[], environment: Record<string, string | undefined>) => void) | undefined;
}

/** Commands that live as long as the service does. */
const LONG_LIVED = ['serve'];

/** Does not return where it replaces. Never throws. */
export function replaceProcess({ execPath, execArgv, argv, env, channel, execve }: Replaceable): void {
  const [, script = '', command = ''] = argv;
  if (!LONG_LIVED.includes(command) || channel !== undefined || execve === undefined) return;
  const start = withMemorySettings({ nodeFlags: execArgv, environment: env });
  if (!start) return;
  try {
    // Older Nodes abort where the program is not there.
    accessSync(execPath, constants.X_OK);
    execve(execPath, [execPath, ...start.nodeFlags, script, ...argv.slice(2)], { ...start.environment });
  } catch {
    // Without the settings memory grows further; nothing else is lost.
  }
}
