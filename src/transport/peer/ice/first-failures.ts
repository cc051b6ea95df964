/**
 * Reports the first failure of each kind; a counter covers the rest, because remote input decides how often one occurs.
 * Type and stack frame identify a kind, not the message, which may quote the input.
 */

/** Kinds remembered. Later kinds are not reported, so that failures at ever new places cannot fill the log. */
const KINDS_MAX = 32;

export class FirstFailures {
  readonly #report: (error: unknown) => void;
  readonly #seen = new Set<string>();

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Never throws, even if the hook does. */
  add(error: unknown): void {
    const kind = kindOf(error);
    if (this.#seen.has(kind) || this.#seen.size >= KINDS_MAX) return;
    this.#seen.add(kind);
    try {
      this.#report(error);
    } catch {
      // The hook itself failed; there is no other reporter.
    }
  }
}

/** Type and innermost stack frame. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frame = error.stack?.split('\n').find((line) => /^\s+at /.test(line));
  return `${error.name}${frame?.trimEnd() ?? ''}`;
}
