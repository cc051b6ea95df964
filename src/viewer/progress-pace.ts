/** Limits how often a viewer gets progress messages: steps may come every second or every few milliseconds. */
import type { SessionEvents } from '../session/contract.ts';

/** Four updates a second are enough to read a number. */
const INTERVAL_US = 250_000;

export class ProgressPace {
  #toldUs = -Infinity;
  #told = '';

  /** Depends only on the last message. A change of slice or of queue position is due at once. */
  isDue(nowUs: number, { slice, queuePosition }: SessionEvents['progress'][0]): boolean {
    const what = `${slice}/${queuePosition ?? 0}`;
    if (what === this.#told && nowUs - this.#toldUs < INTERVAL_US) return false;
    this.#told = what;
    this.#toldUs = nowUs;
    return true;
  }
}
