/**
 * What the serving process does with a rejection or an exception that no code handled. Each is a bug, and none may let
 * one viewer end the service for all: it is logged, counted, and the service goes on. A rejection leaves at most one
 * operation undone. After an exception Node promises nothing about state, so when they keep coming the service drains
 * and ends with status 1, and its supervisor starts a fresh one.
 */
import type { Log } from '../log.ts';

export type FaultKind = 'rejection' | 'exception';

/** So many exceptions in a minute are no accident of one viewer. */
const EXCEPTIONS_MAX = 10;
const WINDOW_MS = 60_000;

/** The rule alone: time comes in. */
export class FaultRule {
  readonly #exceptionsMs: number[] = [];

  /** @returns whether the process may go on */
  note(kind: FaultKind, nowMs: number): boolean {
    if (kind === 'rejection') return true;
    this.#exceptionsMs.push(nowMs);
    while ((this.#exceptionsMs[0] ?? nowMs) <= nowMs - WINDOW_MS) this.#exceptionsMs.shift();
    return this.#exceptionsMs.length <= EXCEPTIONS_MAX;
  }
}

export interface FaultHandling {
  log: Log;
  onFault: (kind: FaultKind) => void;
  /** There are too many: the service should drain and end. */
  onTooMany: () => void;
}

/** What the command line's handlers of `unhandledRejection` and `uncaughtException` call. */
export class ProcessFaults {
  readonly #handling: FaultHandling;
  readonly #rule = new FaultRule();

  constructor(handling: FaultHandling) {
    this.#handling = handling;
  }

  note(kind: FaultKind, error: unknown): void {
    const { log, onFault, onTooMany } = this.#handling;
    onFault(kind);
    log.error({ err: error, kind }, 'a fault that no code handled');
    if (!this.#rule.note(kind, performance.now())) onTooMany();
  }
}
