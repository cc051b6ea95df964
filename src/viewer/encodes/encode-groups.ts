/**
 * Which viewers of a stream share an encode. Viewers with the same format are grouped by what their paths carry: a group
 * is encoded at the least of its members' bitrates, so no one is sent more than their path carries, and a member who
 * would get much less than that moves to another group. Groups change only where they must, because a viewer who
 * changes groups needs a keyframe.
 */

/** One viewer's wish. */
export interface EncodeWish {
  viewer: string;
  /** Codec and what limits its packets: viewers of different formats never share an encode. */
  format: string;
  /** What the viewer's own allocation would give the encoder. */
  bitrateBps: number;
}

export interface EncodeGroup {
  format: string;
  /** The least of its members' bitrates. */
  bitrateBps: number;
  /** In order of their bitrates, the least first. */
  viewers: readonly string[];
}

/** Shared encodes of one format. */
const GROUPS_MAX = 3;
/** Further encodes of one format, each for one viewer that no group serves well. */
const ALONE_MAX = 3;
/** A member with less than this share of what its path carries must leave its group. */
const FAIR_SHARE = 0.7;
/** New groups are formed within this share, so that a small change does not break them. */
const NEW_SHARE = 0.8;
/** A member under the fair share weighs as much as this waste. */
const UNSERVED_OCTAVES = 1_000;
/** Groups are joined when all members would get at least this share. */
const JOIN_SHARE = 0.9;

/**
 * @param wishes one for each viewer
 * @param previous this function's last result for the same stream
 * @returns at most `GROUPS_MAX + ALONE_MAX` groups of each format; every viewer is in exactly one
 */
export function groupEncodes(wishes: readonly EncodeWish[], previous: readonly EncodeGroup[]): EncodeGroup[] {
  const byFormat = Map.groupBy(wishes, ({ format }) => format);
  return [...byFormat].flatMap(([format, members]) => {
    const sorted = members.toSorted((a, b) => a.bitrateBps - b.bitrateBps);
    const before = previous.filter((group) => group.format === format);
    return choose(sorted, before).map((group) => groupOf(format, group));
  });
}

/** Whether a viewer must leave a group: they get much less than their path carries, or are sent more. */
export const isPoorlyServed = (wish: EncodeWish, group: EncodeGroup): boolean =>
  group.bitrateBps < wish.bitrateBps * FAIR_SHARE || wish.bitrateBps < group.bitrateBps * FAIR_SHARE;

type Group = readonly EncodeWish[];

function choose(sorted: Group, before: readonly EncodeGroup[]): Group[] {
  const kept = keep(sorted, before);
  const joined = partition(sorted, JOIN_SHARE);
  if (joined.length < kept.length && joined.every((group) => isFair(group, JOIN_SHARE))) return joined;
  if (kept.length <= GROUPS_MAX + ALONE_MAX && kept.every((group) => isFair(group, FAIR_SHARE))) return kept;
  const shared = partition(sorted, NEW_SHARE);
  return shared.every((group) => isFair(group, FAIR_SHARE)) ? shared : setApart(shared);
}

/** The groups as they were, without those who left; a new viewer joins the best group that its path carries. */
function keep(sorted: Group, before: readonly EncodeGroup[]): Group[] {
  const groupOfViewer = new Map(before.flatMap(({ viewers }, index) => viewers.map((viewer) => [viewer, index])));
  const isKnown = ({ viewer }: EncodeWish): boolean => groupOfViewer.has(viewer);
  const known = Map.groupBy(sorted.filter(isKnown), ({ viewer }) => groupOfViewer.get(viewer));
  const groups = [...known.values()].toSorted((a, b) => leastBps(a) - leastBps(b));
  for (const wish of sorted.filter((candidate) => !isKnown(candidate))) {
    const index = groups.findLastIndex((group) => leastBps(group) <= wish.bitrateBps);
    if (index < 0) groups.unshift([wish]);
    else groups[index] = [...(groups[index] ?? []), wish].toSorted((a, b) => a.bitrateBps - b.bitrateBps);
  }
  return groups;
}

/** The fewest groups in which all members get `share`; where `GROUPS_MAX` are too few, those that waste least. */
function partition(sorted: Group, share: number): Group[] {
  for (let count = 1; count < GROUPS_MAX; count++) {
    const groups = cut(sorted, count);
    if (groups.every((group) => isFair(group, share))) return groups;
  }
  return cut(sorted, GROUPS_MAX);
}

/** The best cut of a sorted list into `count` runs: few members under a fair share, then little waste. */
function cut(sorted: Group, count: number): Group[] {
  const cost = runCosts(sorted);
  const best = Array.from({ length: sorted.length + 1 }, (_, to) => ({ cost: cost(0, to), starts: [0] }));
  for (let runs = 2; runs <= Math.min(count, sorted.length); runs++)
    for (let to = sorted.length; to >= runs; to--)
      for (let from = runs - 1; from < to; from++) {
        const total = best[from]!.cost + cost(from, to);
        if (total < best[to]!.cost) best[to] = { cost: total, starts: [...best[from]!.starts, from] };
      }
  const { starts } = best[sorted.length]!;
  return starts.map((from, index) => sorted.slice(from, starts[index + 1])).filter((group) => group.length > 0);
}

/** The cost of making one group of the viewers `from` to `to` (exclusive): waste is in octaves of bitrate. */
function runCosts(sorted: Group): (from: number, to: number) => number {
  const octave = sorted.map(({ bitrateBps }) => Math.log2(Math.max(1, bitrateBps)));
  const sums = [0];
  for (const [index, value] of octave.entries()) sums.push(sums[index]! + value);
  /** For each viewer, the first viewer that a group beginning here serves badly. */
  const unservedFrom = octave.map((least) => {
    const at = octave.findIndex((value) => value > least - Math.log2(FAIR_SHARE));
    return at < 0 ? sorted.length : at;
  });
  return (from, to) => {
    if (from >= to) return 0;
    const unserved = Math.max(0, to - unservedFrom[from]!);
    return unserved * UNSERVED_OCTAVES + sums[to]! - sums[from]! - (to - from) * octave[from]!;
  };
}

/** Gives encodes of their own to the viewers who lose most, as far as there are any. */
function setApart(groups: readonly Group[]): Group[] {
  const unserved = groups
    .flatMap((group) => group.filter((wish) => !isServed(wish, group)).map((wish) => ({ wish, group })))
    .toSorted((a, b) => shareOf(a.wish, a.group) - shareOf(b.wish, b.group))
    .slice(0, ALONE_MAX)
    .map(({ wish }) => wish);
  const rest = groups.map((group) => group.filter((wish) => !unserved.includes(wish)));
  return [...rest, ...unserved.map((wish) => [wish])].filter((group) => group.length > 0);
}

const leastBps = (group: Group): number => Math.max(1, Math.min(...group.map(({ bitrateBps }) => bitrateBps)));
const shareOf = ({ bitrateBps }: EncodeWish, group: Group): number => leastBps(group) / Math.max(1, bitrateBps);
const isServed = (wish: EncodeWish, group: Group): boolean => shareOf(wish, group) >= FAIR_SHARE;
const isFair = (group: Group, share: number): boolean => group.every((wish) => shareOf(wish, group) >= share);

const groupOf = (format: string, group: Group): EncodeGroup => ({
  format,
  bitrateBps: Math.min(...group.map(({ bitrateBps }) => bitrateBps)),
  viewers: group.map(({ viewer }) => viewer),
});
