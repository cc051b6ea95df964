/**
 * Decides which parts of a model are in memory. A part is resident (ready to run), half-loaded (weights in memory, no
 * session) or cold (on disk). Before a part runs, others make room: half-loaded ones first, then resident ones. In each
 * group the least recently used goes first; of equals, the one a slice needs last. The part in use stays. Pure: sizes
 * and times come in, moves come out.
 */
import { GlimpseError } from '../../../errors.ts';

export const PART_STATES = ['resident', 'half-loaded', 'cold'] as const;
export type PartState = (typeof PART_STATES)[number];

export interface PartInfo {
  name: string;
  state: PartState;
  /** Memory it takes in its state. */
  bytes: number;
  /** Memory it takes when resident: measured, or before that estimated from its file. */
  residentBytes: number;
  /** Size of its weights: the least it takes when loaded, whatever was measured. */
  weightBytes: number;
  lastUsedUs: number;
  /** How often it ran. */
  uses: number;
}

export interface Move {
  part: string;
  to: PartState;
}

/** Parts in the order in which a slice needs them: text, denoiser, decoder, refiner, upscaler. */
export type Parts = readonly PartInfo[];

/**
 * The moves needed so that `name` can run: releases first, then the load. None if it is resident, unless `alone`.
 * @param budgetBytes for all parts together
 * @param alone low-memory mode: everything else goes
 * @throws GlimpseError MEMORY_BUDGET if the part alone does not fit
 */
export function movesFor(name: string, parts: Parts, budgetBytes: number, alone = false): Move[] {
  const part = parts.find((candidate) => candidate.name === name);
  if (!part) return [];
  if (part.weightBytes > budgetBytes) throw doesNotFit(part, budgetBytes);
  const load: Move[] = part.state === 'resident' ? [] : [{ part: name, to: 'resident' }];
  const others = parts.filter((other) => other.name !== name && other.state !== 'cold');
  let excess = part.residentBytes + sum(others) - budgetBytes;
  const releases: Move[] = [];
  for (const other of byWorth(others, parts)) {
    if (!alone && (excess <= 0 || load.length === 0)) break;
    releases.push({ part: other.name, to: 'cold' });
    excess -= other.bytes;
  }
  return [...releases, ...load];
}

/** The loads that make a workflow ready, in the order a slice needs it; as many as fit beside what is loaded. */
export function movesForAll(names: readonly string[], parts: Parts, budgetBytes: number): Move[] {
  let room = budgetBytes - sum(parts.filter(({ name, state }) => !names.includes(name) && state !== 'cold'));
  const moves: Move[] = [];
  for (const { name, state, residentBytes } of parts) {
    if (!names.includes(name) || residentBytes > room) continue;
    room -= residentBytes;
    if (state !== 'resident') moves.push({ part: name, to: 'resident' });
  }
  return moves;
}

/** The moves that put unused parts to rest. */
export const movesToRest = (parts: Parts, to: 'half-loaded' | 'cold'): Move[] =>
  parts.filter(({ state }) => state !== to && state !== 'cold').map(({ name }) => ({ part: name, to }));

/** Least worth keeping first. */
function byWorth(candidates: Parts, order: Parts): PartInfo[] {
  return candidates.toSorted(
    (a, b) =>
      Number(a.state === 'resident') - Number(b.state === 'resident') ||
      a.lastUsedUs - b.lastUsedUs ||
      order.indexOf(b) - order.indexOf(a),
  );
}

const sum = (parts: Parts): number => parts.reduce((total, { bytes }) => total + bytes, 0);

const doesNotFit = ({ name, weightBytes }: PartInfo, budgetBytes: number): GlimpseError =>
  new GlimpseError('MEMORY_BUDGET', {
    message: `The part ${name} takes ${mib(weightBytes)} MB and the memory budget leaves ${mib(budgetBytes)} MB for models.`,
    details: { part: name, bytes: weightBytes, budgetBytes },
  });

const mib = (bytes: number): number => Math.round(bytes / 2 ** 20);

export interface Variant {
  /** e.g. `fp32`, `int8`. */
  variant: string;
  residentBytes: number;
}

/**
 * One variant of each part, the best that fit. Parts list theirs best first; the part that saves most by its next
 * variant steps down first. Parts need not all fit at once, but if they do nothing is loaded twice.
 * @returns the index of the variant of each part
 */
export function chooseVariants(parts: readonly (readonly Variant[])[], budgetBytes: number): number[] {
  const chosen = parts.map(() => 0);
  const bytesOf = (part: number, index: number): number => parts[part]?.[index]?.residentBytes ?? 0;
  for (;;) {
    const total = chosen.reduce((bytes, index, part) => bytes + bytesOf(part, index), 0);
    if (total <= budgetBytes) return chosen;
    const savings = chosen.map((index, part) =>
      parts[part]?.[index + 1] ? bytesOf(part, index) - bytesOf(part, index + 1) : 0,
    );
    const most = savings.indexOf(Math.max(...savings));
    if ((savings[most] ?? 0) <= 0) return chosen;
    chosen[most] = (chosen[most] ?? 0) + 1;
  }
}
