/**
 * Failures that the operator should see, each logged once a minute with its count. Viewers receive only codes, and a
 * thousand viewers of a generator that is down must not fill a disk.
 */
import { isOperatorsMatter, toGlimpseError } from './errors.ts';
import type { Log } from './log.ts';

const TELL_EVERY_MS = 60_000;
/** Distinct failures remembered; beyond it the oldest is forgotten, and logged at once if it recurs. */
const KINDS_MAX = 64;

interface LoggedError {
  atMs: number;
  /** Occurrences since. */
  since: number;
}

export class ErrorLog {
  readonly #log: Pick<Log, 'error'>;
  readonly #nowMs: () => number;
  readonly #told = new Map<string, LoggedError>();

  constructor(log: Pick<Log, 'error'>, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Logs an operator's failure that was not logged within the last minute. */
  note(thrown: unknown, what: string): void {
    const error = toGlimpseError(thrown);
    if (!isOperatorsMatter(error)) return;
    const kind = `${what} ${error.code} ${error.message}`;
    const told = this.#told.get(kind);
    const nowMs = this.#nowMs();
    if (told && nowMs - told.atMs < TELL_EVERY_MS) {
      told.since += 1;
      return;
    }
    this.#told.delete(kind);
    const [oldest] = this.#told.keys();
    if (this.#told.size >= KINDS_MAX && oldest !== undefined) this.#told.delete(oldest);
    this.#told.set(kind, { atMs: nowMs, since: 0 });
    this.#log.error({ err: error, ...(told && told.since > 0 && { repeated: told.since }) }, what);
  }
}
