/** How often a viewer is told how far a slice has come: a step of a backend may take a second, its frames milliseconds. */
import type { SessionEvents } from './contract.ts';

/** The eye reads a number four times a second. */
const INTERVAL_US = 250_000;

export class ProgressPace {
  #toldUs = -Infinity;
  #told = '';

  /** Pure but for what was told last. Another slice or another place in the queue is told at once. */
  isDue(nowUs: number, { slice, queuePosition }: SessionEvents['progress'][0]): boolean {
    const what = `${slice}/${queuePosition ?? 0}`;
    if (what === this.#told && nowUs - this.#toldUs < INTERVAL_US) return false;
    this.#told = what;
    this.#toldUs = nowUs;
    return true;
  }
}
