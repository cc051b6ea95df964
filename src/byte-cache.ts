/**
 * A map bounded in bytes that forgets what was used longest ago: `lru-cache`, with counts of its hits, misses and evictions, because a
 * cache that cannot be seen cannot be sized. Pure: no clock, "recent" is the order of use.
 */
import { LRUCache } from 'lru-cache';

export interface ByteCacheOptions<Value> {
  /** Upper bound of all values together; 0 keeps nothing. */
  maxBytes: number;
  /** Size of a value, bytes. Asked once, when it is put in. */
  sizeOf: (value: Value) => number;
  /** A value made room for another; not called for `delete`, `clear` or a value that is replaced. */
  onEvict?: (key: string, value: Value) => void;
}

export interface CacheCounts {
  hits: number;
  misses: number;
  evictions: number;
  /** Values that were not kept: larger than the bound. */
  refused: number;
}

/** The library wants values that are objects, and sizes above 0. */
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

  /** The value, which thereby is the one used last; counts a hit or a miss. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    this.#counts[entry ? 'hits' : 'misses'] += 1;
    return entry?.value;
  }

  /** The value; counts nothing and leaves the order of use. */
  peek(key: string): Value | undefined {
    return this.#entries.peek(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Puts a value in or replaces one. @returns false when it is larger than the bound; then nothing changes. */
  set(key: string, value: Value): boolean {
    const bytes = this.#sizeOf(value);
    if (bytes > this.maxBytes) {
      this.#counts.refused += 1;
      return false;
    }
    this.#entries.set(key, { value, bytes });
    return true;
  }

  /** @returns whether it was there */
  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
