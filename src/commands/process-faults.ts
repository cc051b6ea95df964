/**
 * How the serving process handles an unhandled rejection or uncaught exception. Each is a bug, and one viewer's bug
 * must not end the service for all: it is logged and counted, and the service continues. A rejection leaves at most
 * one operation undone. After an exception Node guarantees nothing about state, so after repeated ones the service
 * drains and exits with status 1, and its supervisor starts a new one.
 */
import type { Log } from '../log.ts';

export type FaultKind = 'rejection' | 'exception';

/** More exceptions per minute than this are not one viewer's accident. */
const EXCEPTIONS_MAX = 10;
const WINDOW_MS = 60_000;

/** The rule alone; time is an argument. */
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
  /** There were too many: the service should drain and exit. */
  onTooMany: () => void;
}

/** Called by the command line's handlers of `unhandledRejection` and `uncaughtException`. */
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
