/**
 * The segment cache: memory first, then disk; a disk hit is copied to memory. Each lookup counts once. Stand-ins (a
 * draft, a tier made fast) stay in memory only, until there is a better grade.
 */
import { gradeOf, gradeRank, GRADES, type Grade } from '../grades.ts';
import { ByteCache } from '../../byte-cache.ts';
import type { SegmentDisk } from './segment-disk.ts';
import { segmentBytes, segmentKey, type Segment } from './segment.ts';

export interface SegmentCacheOptions {
  maxBytes: number;
  /** Left out: memory alone. Flushed by `close`. */
  disk?: SegmentDisk | undefined;
}

/** Grades that only stand in for better ones. */
const STAND_INS: readonly Grade[] = ['draft', 'refined-fast'];

export class SegmentCache {
  readonly memory: ByteCache<Segment>;
  readonly disk: SegmentDisk | undefined;

  constructor({ maxBytes, disk }: SegmentCacheOptions) {
    this.memory = new ByteCache({ maxBytes, sizeOf: segmentBytes });
    this.disk = disk;
  }

  /** The best of `grades` that is there, in memory or on disk. Never throws. */
  async best(slice: string, grades: readonly Grade[]): Promise<Segment | undefined> {
    const [highest] = highestFirst(grades);
    // One lookup counts once, whichever grade it finds.
    const held = this.peekBest(slice, grades) ?? (highest && this.memory.get(segmentKey(slice, highest)));
    const better = highestFirst(grades).filter(
      (grade) => !STAND_INS.includes(grade) && (held === undefined || gradeRank(grade) > gradeRank(gradeOf(held))),
    );
    for (const grade of this.disk ? better : []) {
      const key = segmentKey(slice, grade);
      const segment = await this.disk?.get(key);
      if (segment?.tier !== grade) continue;
      this.memory.set(key, segment);
      return segment;
    }
    return held;
  }

  /** As `best`, in memory alone and without counting a miss: for repeated lookups. */
  peekBest(slice: string, grades: readonly Grade[]): Segment | undefined {
    const found = highestFirst(grades).find((grade) => this.memory.has(segmentKey(slice, grade)));
    return found && this.memory.get(segmentKey(slice, found));
  }

  /** Deletes lower stand-ins: they would never be shown again. */
  put(slice: string, segment: Segment): void {
    const grade = gradeOf(segment);
    const key = segmentKey(slice, grade);
    this.memory.set(key, segment);
    for (const lower of GRADES)
      if (STAND_INS.includes(lower) && gradeRank(lower) < gradeRank(grade))
        this.memory.delete(segmentKey(slice, lower));
    if (!STAND_INS.includes(grade)) this.disk?.put(key, segment);
  }

  /** Waits until everything put is on disk. Idempotent, never throws. */
  async close(): Promise<void> {
    await this.disk?.flush();
    this.memory.clear();
  }
}

const highestFirst = (grades: readonly Grade[]): Grade[] => grades.toSorted((a, b) => gradeRank(b) - gradeRank(a));
