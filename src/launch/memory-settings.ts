/**
 * Settings that keep the memory of a long-lived process flat. They are read once at process start: glibc's
 * (mallopt(3)) from the environment, V8's from Node's arguments. Pure.
 */

export interface ProcessStart {
  /** Node's own arguments, before the script. */
  nodeFlags: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
}

/** Each with its reason in docs/memory.md. */
export const MALLOC_SETTINGS: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '32768',
  MALLOC_MMAP_MAX_: '32768',
};
const SEMI_SPACE_FLAG = '--max-semi-space-size';
const SEMI_SPACE_MIB = 8;

/** @returns the correct start; undefined when the process already has it. The user's own settings are kept. */
export function withMemorySettings({ nodeFlags, environment }: ProcessStart): ProcessStart | undefined {
  const missing = Object.entries(MALLOC_SETTINGS).filter(([name]) => environment[name] === undefined);
  const given = [...nodeFlags, environment['NODE_OPTIONS'] ?? ''];
  // V8 accepts either spelling.
  const isFlagged = given.some((flag) => flag.replaceAll('_', '-').includes(SEMI_SPACE_FLAG));
  if (missing.length === 0 && isFlagged) return undefined;
  return {
    nodeFlags: isFlagged ? nodeFlags : [...nodeFlags, `${SEMI_SPACE_FLAG}=${SEMI_SPACE_MIB}`],
    environment: { ...environment, ...Object.fromEntries(missing) },
  };
}
