/**
 * Failures that an operator should read about, each once a minute with how often it came: viewers hear of them by code
 * alone, and a thousand viewers of a generator that is down must not fill a disk.
 */
import { isOperatorsMatter, toGlimpseError } from './errors.ts';
import type { Log } from './log.ts';

const TELL_EVERY_MS = 60_000;
/** Different failures remembered; beyond it the oldest is forgotten, and told again when it comes again. */
const KINDS_MAX = 64;

interface LoggedError {
  atMs: number;
  /** Times it came since. */
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

  /** Logs it where it is the operator's matter and was not told of within the last minute. */
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
