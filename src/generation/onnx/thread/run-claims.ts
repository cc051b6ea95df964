/**
 * Claims on runs that wait inside the thread behind the current one. Either the thread starts such a run or the host
 * takes it back, never both: the first to swap the run's id out of a word of shared memory gets it. Two words are
 * enough: while one run waits, the one before it may just have started.
 */

/** Index of a word. */
export type ClaimSlot = 0 | 1;

export const otherSlot = (slot: ClaimSlot): ClaimSlot => (slot === 0 ? 1 : 0);

/** No run has this id. */
const UNCLAIMED = -1;

export class RunClaims {
  /** Shared by the thread and its host. */
  readonly words: Int32Array<SharedArrayBuffer>;

  constructor(words = new Int32Array(new SharedArrayBuffer(8)).fill(UNCLAIMED)) {
    this.words = words;
  }

  /** The host: run `id` waits. */
  offer(slot: ClaimSlot, id: number): void {
    Atomics.store(this.words, slot, id);
  }

  /** True for the first caller that asks for run `id`, then false: the thread runs it, or the host has it back. */
  take(slot: ClaimSlot, id: number): boolean {
    return Atomics.compareExchange(this.words, slot, id, UNCLAIMED) === id;
  }
}
