/**
 * Abuse score per user or address, raised by refused requests. A score halves every minute. Above 30% of the limit the
 * client is slowed; above the limit it is refused until the score is back under 30%. Pure: time is an argument.
 */
import { LIMITS } from '../../src/limits.ts';

/** Points per cause. One bad message is harmless; hundreds in a minute are abuse. */
export const ABUSE_WEIGHTS = {
  /** An invalid message, offer or request. */
  refusal: 1,
  /** More messages, creations or sessions than the limits allow. */
  flood: 1,
  /** A prompt replaced by a newer one before it was accepted. */
  promptFlood: 1,
  /** A session that ended before it ever connected. */
  neverWatched: 5,
  /** A missing, invalid or unsuitable token. */
  unauthorized: 10,
  /** The product's own prompt filter refused it. */
  promptRefused: 25,
} as const;
export type AbuseCause = keyof typeof ABUSE_WEIGHTS;

export const ABUSE_LEVELS = ['none', 'slow', 'refuse'] as const;
export type AbuseLevel = (typeof ABUSE_LEVELS)[number];

export interface AbuseDecision {
  key: string;
  level: AbuseLevel;
  /** The cause with the most points. */
  cause: AbuseCause;
  score: number;
  /** Points by cause, decayed like the score. */
  causes: Partial<Record<AbuseCause, number>>;
}

interface Entry {
  level: AbuseLevel;
  atMs: number;
  causes: Partial<Record<AbuseCause, number>>;
}

const HALF_LIFE_MS = 60_000;
const SLOW_SHARE = 0.3;
/** Upper bound of a score: recovery takes at most two and a half minutes. */
const CEILING_SHARE = 1.5;
/** Entries below this score are deleted. */
const FORGOTTEN_SCORE = 0.5;

export class AbuseScores {
  readonly #entries = new Map<string, Entry>();
  readonly #limit: number;
  readonly #keysMax: number;
  readonly #onDecision: (decision: AbuseDecision) => void;

  /** @param limit score that is refused; 0 scores nothing */
  constructor(
    limit: number,
    onDecision: (decision: AbuseDecision) => void,
    { keysMax = LIMITS.abuseKeysMax }: { keysMax?: number } = {},
  ) {
    this.#limit = limit;
    this.#onDecision = onDecision;
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  note(key: string, cause: AbuseCause, nowMs: number): void {
    if (this.#limit === 0) return;
    const entry = this.#entries.get(key) ?? { level: 'none', atMs: nowMs, causes: {} };
    fade(entry, nowMs);
    if (total(entry) < this.#limit * CEILING_SHARE)
      entry.causes[cause] = (entry.causes[cause] ?? 0) + ABUSE_WEIGHTS[cause];
    // The map is kept in order of last activity, newest last.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#decide(key, entry);
    if (this.#entries.size > this.#keysMax) this.#forgetOldest();
  }

  level(key: string, nowMs: number): AbuseLevel {
    const entry = this.#entries.get(key);
    if (!entry) return 'none';
    fade(entry, nowMs);
    this.#decide(key, entry);
    return entry.level;
  }

  /** Time until a refused client is admitted again if it does nothing more, ms. */
  retryAfterMs(key: string): number {
    const entry = this.#entries.get(key);
    const ratio = entry ? total(entry) / (this.#limit * SLOW_SHARE) : 1;
    return Math.max(1_000, Math.ceil(HALF_LIFE_MS * Math.log2(Math.max(1, ratio))));
  }

  /** Deletes entries whose score has decayed; call periodically. */
  sweep(nowMs: number): void {
    for (const [key, entry] of this.#entries) {
      this.level(key, nowMs);
      if (total(entry) < FORGOTTEN_SCORE) this.#entries.delete(key);
    }
  }

  /** Clients that are slowed or refused, for the operator. */
  standing(): AbuseDecision[] {
    return [...this.#entries].filter(([, { level }]) => level !== 'none').map(([key, entry]) => decision(key, entry));
  }

  #decide(key: string, entry: Entry): void {
    const score = total(entry);
    const slowAt = this.#limit * SLOW_SHARE;
    const stays = entry.level === 'refuse' && score >= slowAt;
    const level = score >= this.#limit || stays ? 'refuse' : score >= slowAt ? 'slow' : 'none';
    if (level === entry.level) return;
    entry.level = level;
    this.#onDecision(decision(key, entry));
  }

  /** Evicts a refused entry only if there is no other: evicting it would admit the client. */
  #forgetOldest(): void {
    let oldest: string | undefined;
    for (const [key, { level }] of this.#entries) {
      oldest ??= key;
      if (level !== 'none') continue;
      oldest = key;
      break;
    }
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

function total({ causes }: Entry): number {
  return Object.values(causes).reduce((sum, points) => sum + points, 0);
}

function fade(entry: Entry, nowMs: number): void {
  const factor = 0.5 ** (Math.max(0, nowMs - entry.atMs) / HALF_LIFE_MS);
  entry.atMs = Math.max(entry.atMs, nowMs);
  for (const cause of Object.keys(entry.causes) as AbuseCause[])
    entry.causes[cause] = (entry.causes[cause] ?? 0) * factor;
}

function decision(key: string, { level, causes }: Entry): AbuseDecision {
  const [cause = 'refusal'] = (Object.keys(causes) as AbuseCause[]).toSorted(
    (a, b) => (causes[b] ?? 0) - (causes[a] ?? 0),
  );
  const rounded = Object.entries(causes).map(([name, points]) => [name, Math.round(points * 10) / 10]);
  const score = Math.round(Object.values(causes).reduce((sum, points) => sum + points, 0));
  return { key, level, cause, score, causes: Object.fromEntries(rounded) };
}
