/** Moves that the process has been asked for and has not answered yet. */
import type { GlimpseError } from '../../../errors.ts';
import type { Move } from './part-memory.ts';
import type { PartResidence } from './part-residence.ts';
import type { MovedPart } from '../process/worker-protocol.ts';

interface PendingMove {
  part: string;
  resolve(): void;
  reject(error: GlimpseError): void;
}

export class PartMoves {
  readonly #residence: PartResidence;
  readonly #pending = new Map<number, PendingMove>();

  constructor(residence: PartResidence) {
    this.#residence = residence;
  }

  /** Counts as done from now on: later requests to the process find it so. Rejects when it fails. */
  asked(id: number, move: Move): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#pending.set(id, { part: move.part, resolve, reject });
    this.#residence.onAsked(move);
    return promise;
  }

  onMoved(id: number, moved: MovedPart): void {
    this.#residence.onMoved(moved);
    this.#pending.get(id)?.resolve();
    this.#pending.delete(id);
  }

  /** No effect if `id` is no move. */
  onFailed(id: number, error: GlimpseError): void {
    const move = this.#pending.get(id);
    if (move === undefined) return;
    this.#pending.delete(id);
    this.#residence.onFailed(move.part);
    move.reject(error);
  }

  onProcessGone(error: GlimpseError): void {
    this.#residence.onProcessGone();
    for (const move of this.#pending.values()) move.reject(error);
    this.#pending.clear();
  }
}
