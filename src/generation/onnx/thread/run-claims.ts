/**
 * Runs that wait inside the thread, behind the one it is at: each is begun by the thread or taken back by its host, never
 * both. Who of them gets there first swaps the run's id out of a word of shared memory. Two words are enough: while one run
 * waits, the one before it may have been begun a moment ago.
 */

/** Index of a word. */
export type ClaimSlot = 0 | 1;

export const otherSlot = (slot: ClaimSlot): ClaimSlot => (slot === 0 ? 1 : 0);

/** No run has this id. */
const NOBODY = -1;

export class RunClaims {
  /** What both sides share. */
  readonly words: Int32Array<SharedArrayBuffer>;

  constructor(words = new Int32Array(new SharedArrayBuffer(8)).fill(NOBODY)) {
    this.words = words;
  }

  /** The host: run `id` waits. */
  offer(slot: ClaimSlot, id: number): void {
    Atomics.store(this.words, slot, id);
  }

  /** True for the first who asks for run `id`, and for nobody after: the thread runs it, or the host has it back. */
  take(slot: ClaimSlot, id: number): boolean {
    return Atomics.compareExchange(this.words, slot, id, NOBODY) === id;
  }
}
