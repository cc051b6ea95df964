/**
 * The timeline on the strip: one cell per slice, with its tier, and the playhead. Pure. In live mode the strip has no
 * end. A new revision begins at the playhead, or in place of the slice on screen when it renoises or keeps that slice;
 * what lay ahead is dropped. In clip mode the strip is the clip. Times are strip time, ms.
 */
import { rtpDistance } from '../src/client/index.ts';
import type { Accepted, PlayingEvent, SteeredEvent, TierEvent } from '../src/client/index.ts';
import type { Cell } from './cell.ts';
import { PromptTrack, type PromptRun } from './prompt-track.ts';
import { tierRank } from './tiers.ts';

/** Cells further behind the playhead are outside every window. */
const KEPT_BEHIND_MS = 60_000;
/** The playhead advances by itself between frames, but not through a stall. */
const RUN_MAX_MS = 300;
const TICKS_PER_MS = 90;
/** Older revisions have scrolled off, or were dropped. */
const REMEMBERED_REVISIONS = 16;

export class StripModel {
  #cells: Cell[] = [];
  readonly #prompts = new PromptTrack();
  /** Revisions whose first slice replaces the one on screen. */
  readonly #inPlace = new Set<number>();
  #revision = 0;
  /** Strip time at which the revision begins. */
  #offsetMs = 0;
  #placed = false;
  /** Start of the slice on screen when the revision's first picture arrived. */
  #replacedMs: number | undefined;
  #clipMs: number | null = null;
  #anchor = { positionMs: 0, atMs: 0 };
  /** Start of the slice on screen: its strip time, and the RTP timestamp of its first frame. */
  #entry: { revision: number; slice: number; startMs: number; rtpTimestamp: number } | undefined;
  paused = false;

  get cells(): readonly Cell[] {
    return this.#cells;
  }

  /** Length of the clip, ms; null in live mode. */
  get clipMs(): number | null {
    return this.#clipMs;
  }

  /** End of the newest slice. */
  get endMs(): number {
    const last = this.#cells.at(-1);
    return last ? last.startMs + last.durationMs : 0;
  }

  /** A new session. @param clipMs length of the clip; null for live */
  reset(clipMs: number | null): void {
    this.#cells = [];
    this.#prompts.clear();
    this.#inPlace.clear();
    this.#revision = 0;
    this.#offsetMs = 0;
    this.#placed = false;
    this.#clipMs = clipMs;
    this.#anchor = { positionMs: 0, atMs: 0 };
    this.#entry = undefined;
  }

  /** A revision begins, with its prompts. */
  sentBy(event: Pick<SteeredEvent, 'revision' | 'by'>): void {
    this.#prompts.sentBy(event);
  }

  accept(accepted: Accepted): void {
    this.#prompts.accept(accepted);
    const { revision, running } = accepted;
    if (running !== 'bent' && running !== 'kept') return;
    this.#inPlace.add(revision);
    this.#inPlace.delete(revision - REMEMBERED_REVISIONS);
    // The first picture may arrive before this message.
    if (revision === this.#revision && this.#clipMs === null) this.#putInPlace(revision);
  }

  /** As `PromptTrack.promptOf`. */
  promptOf(cell: Pick<Cell, 'revision' | 'slice'>): string | undefined {
    return this.#prompts.promptOf(cell);
  }

  /** The stretch of the strip for each prompt; empty while all of it has one. */
  get promptRuns(): PromptRun[] {
    return this.#prompts.runs(this.#cells);
  }

  /** A slice has reached a tier. */
  addTier({ revision, slice, tier, variant = 'full', startMs, durationMs, cached }: TierEvent, nowMs: number): void {
    if (revision < this.#revision) return;
    if (revision > this.#revision) this.#begin(revision, startMs, nowMs);
    const known = this.#find(revision, slice);
    if (known) {
      const isBetter =
        tier === known.tier ? variant === 'full' && known.variant === 'fast' : tierRank(tier) > tierRank(known.tier);
      if (isBetter) Object.assign(known, { tier, variant, reachedAtMs: nowMs, cached });
      return;
    }
    const place = { revision, slice, startMs: this.#offsetMs + startMs, durationMs };
    this.#cells.push({ ...place, tier, variant, reachedAtMs: nowMs, cached });
    this.#forget(nowMs);
  }

  /** A frame is on screen. */
  present(playing: PlayingEvent, rtpTimestamp: number, nowMs: number): void {
    const { revision, slice } = playing;
    const cell = this.#find(revision, slice);
    if (!cell) return;
    if (revision === this.#revision && !this.#placed) this.#place(cell, nowMs);
    if (this.#entry?.revision !== revision || this.#entry.slice !== slice) {
      const startMs = (this.#find(revision, slice)?.startMs ?? 0) + (playing.offsetMs ?? 0);
      this.#entry = { revision, slice, startMs, rtpTimestamp };
    }
    const sinceMs = Math.max(0, rtpDistance(rtpTimestamp, this.#entry.rtpTimestamp) / TICKS_PER_MS);
    this.#anchor = {
      positionMs: this.#entry.startMs + Math.min(sinceMs, cell.startMs + cell.durationMs - this.#entry.startMs),
      atMs: nowMs,
    };
  }

  /** The viewer jumped; the next frame gives the exact position. */
  jump(positionMs: number, nowMs: number): void {
    this.#anchor = { positionMs, atMs: nowMs };
    this.#entry = undefined;
  }

  playheadMs(nowMs: number): number {
    const { positionMs, atMs } = this.#anchor;
    const ranMs = this.paused || atMs === 0 ? 0 : Math.min(nowMs - atMs, RUN_MAX_MS);
    return this.#clipMs === null ? positionMs + ranMs : (positionMs + ranMs) % this.#clipMs;
  }

  /** The cell at a time, the newest revision's first. */
  at(timeMs: number): Cell | undefined {
    return this.#cells.findLast((cell) => timeMs >= cell.startMs && timeMs < cell.startMs + cell.durationMs);
  }

  /** Slices from the playhead on. */
  ahead(nowMs: number): Cell[] {
    const playheadMs = this.#clipMs === null ? this.playheadMs(nowMs) : 0;
    return this.#cells.filter(
      (cell) => cell.startMs + cell.durationMs > playheadMs && cell.revision === this.#revision,
    );
  }

  #begin(revision: number, startMs: number, nowMs: number): void {
    const playheadMs = this.playheadMs(nowMs);
    this.#revision = revision;
    this.#placed = false;
    if (this.#clipMs !== null) {
      this.#cells = [];
      return;
    }
    this.#replacedMs = this.at(playheadMs)?.startMs;
    this.#offsetMs = (this.#cells.length === 0 ? 0 : playheadMs) - startMs;
    this.#cut(playheadMs);
    if (this.#inPlace.has(revision)) this.#putInPlace(revision);
  }

  /** The first frame of a revision gives its actual start: the previous revision ran until then. */
  #place(first: Cell, nowMs: number): void {
    this.#placed = true;
    if (this.#clipMs !== null) return;
    const playheadMs = this.playheadMs(nowMs);
    const shiftMs = Math.max(0, playheadMs - first.startMs);
    this.#offsetMs += shiftMs;
    this.#cells = this.#cells.map((cell) =>
      cell.revision === first.revision ? { ...cell, startMs: cell.startMs + shiftMs } : cell,
    );
  }

  /** Moves a revision to the start of the slice that it replaces. */
  #putInPlace(revision: number): void {
    const replacedMs = this.#replacedMs;
    if (replacedMs === undefined) return;
    const shiftMs = replacedMs - this.#offsetMs;
    this.#placed = true;
    this.#replacedMs = undefined;
    this.#offsetMs = replacedMs;
    const own = this.#cells.filter((cell) => cell.revision === revision);
    this.#cells = this.#cells.filter((cell) => cell.revision !== revision);
    this.#cut(replacedMs);
    this.#cells.push(...own.map((cell) => ({ ...cell, startMs: cell.startMs + shiftMs })));
  }

  /** Drops the cells of older revisions after a time. */
  #cut(timeMs: number): void {
    this.#cells = this.#cells
      .filter((cell) => cell.startMs < timeMs)
      .map((cell) => ({ ...cell, durationMs: Math.min(cell.durationMs, timeMs - cell.startMs) }));
  }

  #find(revision: number, slice: number): Cell | undefined {
    return this.#cells.findLast((cell) => cell.revision === revision && cell.slice === slice);
  }

  #forget(nowMs: number): void {
    if (this.#clipMs !== null) return;
    const oldestMs = this.playheadMs(nowMs) - KEPT_BEHIND_MS;
    this.#cells = this.#cells.filter((cell) => cell.startMs + cell.durationMs > oldestMs);
  }
}
