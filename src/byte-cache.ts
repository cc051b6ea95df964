/**
 * An LRU map bounded in bytes: `lru-cache`, with counts of hits, misses and evictions for sizing. Pure: no clock,
 * "recent" is the order of use.
 */
import { LRUCache } from 'lru-cache';

export interface ByteCacheOptions<Value> {
  /** Upper bound of all values together; 0 stores nothing. */
  maxBytes: number;
  /** Size of a value, bytes. Called once, on insertion. */
  sizeOf: (value: Value) => number;
  /** A value was evicted for another; not called for `delete`, `clear` or a replaced value. */
  onEvict?: (key: string, value: Value) => void;
}

export interface CacheCounts {
  hits: number;
  misses: number;
  evictions: number;
  /** Values not stored: larger than the bound. */
  refused: number;
}

/** The library requires objects as values, and sizes above 0. */
interface Entry<Value> {
  value: Value;
  bytes: number;
}

export class ByteCache<Value> {
  readonly maxBytes: number;
  readonly #sizeOf: (value: Value) => number;
  readonly #entries: LRUCache<string, Entry<Value>>;
  readonly #counts: CacheCounts = { hits: 0, misses: 0, evictions: 0, refused: 0 };

  constructor({ maxBytes, sizeOf, onEvict }: ByteCacheOptions<Value>) {
    this.maxBytes = maxBytes;
    this.#sizeOf = sizeOf;
    this.#entries = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ bytes }) => Math.max(1, bytes),
      dispose: ({ value }, key, reason) => {
        if (reason !== 'evict') return;
        this.#counts.evictions += 1;
        onEvict?.(key, value);
      },
    });
  }

  /** Bytes held now; at most `maxBytes`. An empty value counts as one. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  get size(): number {
    return this.#entries.size;
  }

  get counts(): Readonly<CacheCounts> {
    return this.#counts;
  }

  /** Keys in order of last use, oldest first. */
  keys(): IterableIterator<string> {
    return this.#entries.rkeys();
  }

  /** Returns the value and marks it as most recently used; counts a hit or a miss. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    this.#counts[entry ? 'hits' : 'misses'] += 1;
    return entry?.value;
  }

  /** Returns the value; counts nothing and keeps the order of use. */
  peek(key: string): Value | undefined {
    return this.#entries.peek(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Inserts or replaces a value. @returns false when it is larger than the bound; then nothing changes. */
  set(key: string, value: Value): boolean {
    const bytes = this.#sizeOf(value);
    if (bytes > this.maxBytes) {
      this.#counts.refused += 1;
      return false;
    }
    this.#entries.set(key, { value, bytes });
    return true;
  }

  /** @returns whether it existed */
  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
