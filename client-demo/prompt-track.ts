/**
 * The prompt of each slice on the strip, as the server reports it with each revision, and the runs of slices with one
 * prompt, which are labelled with it. Pure. Times are strip time, ms.
 */
import type { Accepted, SteeredEvent } from '../src/client/index.ts';
import type { Cell } from './cell.ts';

type Stretches = NonNullable<Accepted['prompts']>;

/** Older revisions have scrolled off, or were dropped. */
const REMEMBERED_REVISIONS = 16;

export interface PromptRun {
  prompt: string;
  /** Who sent it, in a room. */
  by?: string | undefined;
  startMs: number;
  endMs: number;
}

export class PromptTrack {
  readonly #revisions = new Map<number, Stretches>();
  /** Who sent the prompt of a revision, where several may. */
  readonly #names = new Map<number, string>();

  clear(): void {
    this.#revisions.clear();
    this.#names.clear();
  }

  accept({ revision, prompt, prompts }: Pick<Accepted, 'revision' | 'prompt' | 'prompts'>): void {
    this.#revisions.set(revision, prompts ?? [{ prompt, fromSlice: 0, travelSlices: 0 }]);
    this.#revisions.delete(revision - REMEMBERED_REVISIONS);
  }

  /** A member of the room has sent this revision's prompt. */
  sentBy({ revision, by }: Pick<SteeredEvent, 'revision' | 'by'>): void {
    this.#names.set(revision, by.name);
    this.#names.delete(revision - REMEMBERED_REVISIONS);
  }

  /** The prompt of a slice, or the one its transition leads to; undefined where the server has not reported it. */
  promptOf({ revision, slice }: Pick<Cell, 'revision' | 'slice'>): string | undefined {
    return this.#revisions.get(revision)?.findLast(({ fromSlice }) => fromSlice <= slice)?.prompt;
  }

  /** Groups adjacent cells with the same prompt; empty when the whole strip has the same. */
  runs(cells: readonly Cell[]): PromptRun[] {
    const runs: PromptRun[] = [];
    for (const cell of cells.toSorted((a, b) => a.startMs - b.startMs)) {
      const prompt = this.promptOf(cell);
      const endMs = cell.startMs + cell.durationMs;
      const last = runs.at(-1);
      if (prompt !== undefined && last?.prompt === prompt) last.endMs = endMs;
      else if (prompt !== undefined)
        runs.push({ prompt, by: this.#names.get(cell.revision), startMs: cell.startMs, endMs });
    }
    return runs.length > 1 || runs.some(({ by }) => by !== undefined) ? runs : [];
  }
}
