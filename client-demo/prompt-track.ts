/**
 * The prompt of each slice on the strip, as the server reports it with each revision, and the runs of slices with one
 * prompt, which are labelled with it. Pure. Times are strip time, ms.
 */
import type { Accepted } from '../src/client/index.ts';
import type { Cell } from './cell.ts';

type Stretches = NonNullable<Accepted['prompts']>;

/** Older revisions have scrolled off, or were dropped. */
const REMEMBERED_REVISIONS = 16;

export interface PromptRun {
  prompt: string;
  startMs: number;
  endMs: number;
}

export class PromptTrack {
  readonly #revisions = new Map<number, Stretches>();

  clear(): void {
    this.#revisions.clear();
  }

  accept({ revision, prompt, prompts }: Pick<Accepted, 'revision' | 'prompt' | 'prompts'>): void {
    this.#revisions.set(revision, prompts ?? [{ prompt, fromSlice: 0, travelSlices: 0 }]);
    this.#revisions.delete(revision - REMEMBERED_REVISIONS);
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
      else if (prompt !== undefined) runs.push({ prompt, startMs: cell.startMs, endMs });
    }
    return runs.length > 1 ? runs : [];
  }
}
