/** The latencies a viewer feels, each with its definition as a tooltip. What the page can see, the page measures. */
import type { Stats } from '../src/client/index.ts';
import { make } from './element.ts';

const FIGURES = {
  connect: ['Connect', 'From asking to a connected peer; measured in this page'],
  firstFrame: ['First frame', 'From asking to the first picture on screen; measured in this page'],
  draft: ['Prompt → draft', 'From the accepted prompt to its first draft leaving the server; measured there'],
  refined: [
    'Prompt → refined',
    'From the accepted prompt to its first refined frame leaving the server; measured there',
  ],
  steer: ['Steer → visible', 'From Enter to the new revision on screen; measured in this page'],
} as const;
type Figure = keyof typeof FIGURES;

export class LatencyBoard {
  readonly #cells = new Map<Figure, HTMLElement>();
  #askedAtMs = 0;
  #firstFrameSeen = false;
  /** When steering was sent, by the revision it became. */
  readonly #steeredAtMs = new Map<number, number>();

  constructor(list: HTMLElement) {
    for (const [figure, [name, definition]] of Object.entries(FIGURES)) {
      const row = make('div', '', { title: definition });
      const value = make('dd', '–', { 'data-figure': figure });
      row.append(make('dt', name), value);
      list.append(row);
      this.#cells.set(figure as Figure, value);
    }
  }

  /** A session is asked for. */
  start(nowMs: number): void {
    this.#askedAtMs = nowMs;
    this.#firstFrameSeen = false;
    this.#steeredAtMs.clear();
    for (const figure of this.#cells.keys()) this.#show(figure, null);
  }

  connected(ms: number | null): void {
    this.#show('connect', ms);
  }

  steered(revision: number, sentAtMs: number): void {
    this.#steeredAtMs.set(revision, sentAtMs);
  }

  /** A frame is on screen. @param revision what it shows, when known */
  presented(revision: number | undefined, atMs: number): void {
    if (!this.#firstFrameSeen) {
      this.#firstFrameSeen = true;
      this.#show('firstFrame', atMs - this.#askedAtMs);
    }
    if (revision === undefined) return;
    const sentAtMs = this.#steeredAtMs.get(revision);
    if (sentAtMs === undefined) return;
    for (const known of this.#steeredAtMs.keys()) if (known <= revision) this.#steeredAtMs.delete(known);
    this.#show('steer', atMs - sentAtMs);
  }

  measured({ timeToDraftMs, timeToRefinedMs }: Stats): void {
    if (timeToDraftMs !== null) this.#show('draft', timeToDraftMs);
    if (timeToRefinedMs !== null) this.#show('refined', timeToRefinedMs);
  }

  #show(figure: Figure, ms: number | null): void {
    const cell = this.#cells.get(figure);
    if (cell) cell.textContent = ms === null ? '–' : String(Math.max(0, Math.round(ms)));
  }
}
