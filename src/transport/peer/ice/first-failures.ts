/**
 * Reports the first failure of each kind. Bytes from strangers decide how often one happens, so the rest is left to a
 * counter, and kinds are told apart by type and place: a message may quote what came.
 */

/** Kinds remembered; what comes after is silent, lest a failure with ever new places fill the log. */
const KINDS_MAX = 32;

export class FirstFailures {
  readonly #report: (error: unknown) => void;
  readonly #seen = new Set<string>();

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Never throws, whatever the hook does. */
  add(error: unknown): void {
    const kind = kindOf(error);
    if (this.#seen.has(kind) || this.#seen.size >= KINDS_MAX) return;
    this.#seen.add(kind);
    try {
      this.#report(error);
    } catch {
      // It was told; there is nobody else to tell.
    }
  }
}

/** Type, and the innermost frame of the stack. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frame = error.stack?.split('\n').find((line) => /^\s+at /.test(line));
  return `${error.name}${frame?.trimEnd() ?? ''}`;
}
