/**
 * A map bounded in bytes that forgets what was used longest ago. What is pinned stays: it counts against the bound but is
 * never evicted, so a value that does not fit beside the pinned ones is refused instead. Counts its hits, misses and
 * evictions, because a cache nobody can see is a cache nobody can size. Pure: no clock, "recent" is the order of use.
 */
export interface ByteCacheOptions<Value> {
  /** Upper bound of all values together; 0 keeps nothing. */
  maxBytes: number;
  /** What a value weighs. Asked once, when it is put in. */
  sizeOf: (value: Value) => number;
  /** A value made room for another; not called for `delete`, `clear` or a value that is replaced. */
  onEvict?: (key: string, value: Value) => void;
}

export interface CacheCounts {
  hits: number;
  misses: number;
  evictions: number;
  /** Values that were not kept: larger than the bound, or no room beside the pinned ones. */
  refused: number;
}

interface Entry<Value> {
  value: Value;
  bytes: number;
  pins: number;
}

export class ByteCache<Value> {
  readonly #sizeOf: (value: Value) => number;
  readonly #onEvict: (key: string, value: Value) => void;
  /** In order of last use, oldest first. */
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #counts: CacheCounts = { hits: 0, misses: 0, evictions: 0, refused: 0 };
  #maxBytes: number;
  #bytes = 0;
  #pinnedBytes = 0;

  constructor({ maxBytes, sizeOf, onEvict = () => {} }: ByteCacheOptions<Value>) {
    this.#maxBytes = maxBytes;
    this.#sizeOf = sizeOf;
    this.#onEvict = onEvict;
  }

  /** Bytes held now; at most `maxBytes`, but for what was pinned when the bound was lowered. */
  get bytes(): number {
    return this.#bytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get counts(): Readonly<CacheCounts> {
    return this.#counts;
  }

  /** Keys in order of last use, oldest first. */
  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** The value, which thereby is the one used last; counts a hit or a miss. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    this.#counts[entry ? 'hits' : 'misses'] += 1;
    if (!entry) return undefined;
    this.#touch(key, entry);
    return entry.value;
  }

  /** The value without any trace of having been asked for. */
  peek(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Puts a value in or replaces one, which keeps its pins. @returns false when there is no room for it; then nothing changes. */
  set(key: string, value: Value): boolean {
    const bytes = this.#sizeOf(value);
    const before = this.#entries.get(key);
    const pinnedByOthers = this.#pinnedBytes - (before?.pins ? before.bytes : 0);
    if (bytes + pinnedByOthers > this.#maxBytes) {
      this.#counts.refused += 1;
      return false;
    }
    const entry: Entry<Value> = { value, bytes, pins: before?.pins ?? 0 };
    if (before) this.#remove(key, before);
    this.#entries.set(key, entry);
    this.#bytes += bytes;
    if (entry.pins > 0) this.#pinnedBytes += bytes;
    this.#evict(key);
    return true;
  }

  /**
   * Keeps a value from being evicted until the returned handle is disposed; pins add up. Undefined when it is not there.
   * @example using pin = cache.pin('denoiser');
   */
  pin(key: string): Disposable | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.pins === 0) this.#pinnedBytes += entry.bytes;
    entry.pins += 1;
    this.#touch(key, entry);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#unpin(key);
        held = false;
      },
    };
  }

  /** @returns whether it was there */
  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (!entry) return false;
    this.#remove(key, entry);
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
    this.#pinnedBytes = 0;
  }

  /** Another bound, e.g. while memory is short; evicts what no longer fits. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evict(undefined);
  }

  #touch(key: string, entry: Entry<Value>): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  #unpin(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry || entry.pins === 0) return;
    entry.pins -= 1;
    if (entry.pins > 0) return;
    this.#pinnedBytes -= entry.bytes;
    this.#evict(undefined);
  }

  #remove(key: string, { bytes, pins }: Entry<Value>): void {
    this.#entries.delete(key);
    this.#bytes -= bytes;
    if (pins > 0) this.#pinnedBytes -= bytes;
  }

  /** Drops the oldest unpinned values until the bound holds; `spare` is the one there is room being made for. */
  #evict(spare: string | undefined): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      if (entry.pins > 0 || key === spare) continue;
      this.#remove(key, entry);
      this.#counts.evictions += 1;
      this.#onEvict(key, entry.value);
    }
  }
}
