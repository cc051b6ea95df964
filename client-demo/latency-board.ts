/** The latencies a viewer notices, each with its definition as a tooltip. The page measures what it can. */
import type { PlayingEvent, Stats } from '../src/client/index.ts';
import { make } from './element.ts';
import { tierRank } from './tiers.ts';

const FIGURES = {
  connect: ['Connect', 'From asking to a connected peer; measured in this page'],
  firstFrame: ['First frame', 'From asking to the first picture on screen; measured in this page'],
  draft: ['Prompt → draft', 'From the accepted prompt to its first draft leaving the server; measured there'],
  refined: [
    'Prompt → refined',
    'From the accepted prompt to its first refined frame leaving the server, made by the full or by the fast refiner; measured there',
  ],
  steer: ['Steer → visible', 'From Enter to the new revision on screen; measured in this page'],
} as const;
type Figure = keyof typeof FIGURES;

export class LatencyBoard {
  readonly #cells = new Map<Figure, HTMLElement>();
  readonly #terms = new Map<Figure, HTMLElement>();
  #askedAtMs = 0;
  #firstFrameSeen = false;
  /** The latest revision with a refined frame on screen. */
  #refinedRevision = -1;
  /** When a control was sent, by the revision it created. */
  readonly #steeredAtMs = new Map<number, number>();

  constructor(list: HTMLElement) {
    for (const [figure, [name, definition]] of Object.entries(FIGURES)) {
      const row = make('div', '', { title: definition });
      const value = make('dd', '–', { 'data-figure': figure });
      const term = make('dt', name);
      row.append(term, value);
      this.#terms.set(figure as Figure, term);
      list.append(row);
      this.#cells.set(figure as Figure, value);
    }
  }

  /** A session is requested. */
  start(nowMs: number): void {
    this.#askedAtMs = nowMs;
    this.#firstFrameSeen = false;
    this.#refinedRevision = -1;
    this.#steeredAtMs.clear();
    for (const figure of this.#cells.keys()) this.#show(figure, null);
  }

  connected(ms: number | null): void {
    this.#show('connect', ms);
  }

  steered(revision: number, sentAtMs: number): void {
    this.#steeredAtMs.set(revision, sentAtMs);
  }

  /** A frame is on screen. @param playing what it shows, if known */
  presented(playing: PlayingEvent | undefined, atMs: number): void {
    if (!this.#firstFrameSeen) {
      this.#firstFrameSeen = true;
      this.#show('firstFrame', atMs - this.#askedAtMs);
    }
    if (playing === undefined) return;
    this.#refined(playing);
    const { revision } = playing;
    const sentAtMs = this.#steeredAtMs.get(revision);
    if (sentAtMs === undefined) return;
    for (const known of this.#steeredAtMs.keys()) if (known <= revision) this.#steeredAtMs.delete(known);
    this.#show('steer', atMs - sentAtMs);
  }

  /** Marks the figure when the fast refiner made the first refined picture of a prompt. */
  #refined({ revision, tier, variant }: PlayingEvent): void {
    if (tierRank(tier) < tierRank('refined') || revision <= this.#refinedRevision) return;
    this.#refinedRevision = revision;
    const [name] = FIGURES.refined;
    const term = this.#terms.get('refined');
    if (term) term.textContent = variant === 'fast' ? `${name} (fast)` : name;
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
