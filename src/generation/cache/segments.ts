/** The segment cache: memory first, then disk; what disk has is taken into memory. Counts each look once. */
import { TIERS, tierRank, type Tier } from '../tiers.ts';
import { ByteCache } from './byte-cache.ts';
import type { SegmentDisk } from './segment-disk.ts';
import { segmentBytes, segmentKey, type Segment } from './segment.ts';

export interface SegmentCacheOptions {
  maxBytes: number;
  /** Left out: memory alone. Flushed by `close`. */
  disk?: SegmentDisk | undefined;
}

export class SegmentCache {
  readonly memory: ByteCache<Segment>;
  readonly disk: SegmentDisk | undefined;

  constructor({ maxBytes, disk }: SegmentCacheOptions) {
    this.memory = new ByteCache({ maxBytes, sizeOf: segmentBytes });
    this.disk = disk;
  }

  /** The best of `tiers` that is there, in memory or on disk. Never throws. */
  async best(slice: string, tiers: readonly Tier[]): Promise<Segment | undefined> {
    const [highest] = highestFirst(tiers);
    // One look, one count, whichever tier it finds.
    const held = this.peekBest(slice, tiers) ?? (highest && this.memory.get(segmentKey(slice, highest)));
    const better = highestFirst(tiers).filter((tier) => held === undefined || tierRank(tier) > tierRank(held.tier));
    for (const tier of this.disk ? better : []) {
      const key = segmentKey(slice, tier);
      const segment = await this.disk?.get(key);
      if (segment?.tier !== tier) continue;
      this.memory.set(key, segment);
      return segment;
    }
    return held;
  }

  /** The same in memory alone, and where nothing is found nothing is counted: for looking again. */
  peekBest(slice: string, tiers: readonly Tier[]): Segment | undefined {
    const found = highestFirst(tiers).find((tier) => this.memory.has(segmentKey(slice, tier)));
    return found && this.memory.get(segmentKey(slice, found));
  }

  /** A draft is forgotten once there is more: it would never be shown again. It is not worth a file either. */
  put(slice: string, segment: Segment): void {
    const key = segmentKey(slice, segment.tier);
    this.memory.set(key, segment);
    if (segment.tier === TIERS[0]) return;
    this.memory.delete(segmentKey(slice, TIERS[0]));
    this.disk?.put(key, segment);
  }

  /** What was put is on disk afterwards. Idempotent, never throws. */
  async close(): Promise<void> {
    await this.disk?.flush();
    this.memory.clear();
  }
}

const highestFirst = (tiers: readonly Tier[]): Tier[] => tiers.toSorted((a, b) => tierRank(b) - tierRank(a));
