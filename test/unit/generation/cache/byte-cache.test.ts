import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteCache } from '../../../../src/byte-cache.ts';

/** A cache of strings that weigh as many bytes as they are long, and what it evicted, in order. */
function cacheOf(maxBytes: number) {
  const evicted: string[] = [];
  const cache = new ByteCache<string>({
    maxBytes,
    sizeOf: (text) => text.length,
    onEvict: (key) => evicted.push(key),
  });
  return { cache, evicted };
}

describe('a cache bounded in bytes', () => {
  it('evicts what was used longest ago, and only as much as is needed', () => {
    const { cache, evicted } = cacheOf(10);
    cache.set('a', 'xxxx');
    cache.set('b', 'xxxx');
    expect(cache.get('a')).toBe('xxxx');
    cache.set('c', 'xxxx');
    expect(evicted).toEqual(['b']);
    expect([...cache.keys()]).toEqual(['a', 'c']);
    expect(cache.bytes).toBe(8);
  });

  it('refuses a value larger than itself and keeps what it has', () => {
    const { cache } = cacheOf(4);
    cache.set('a', 'xx');
    expect(cache.set('b', 'xxxxx')).toBe(false);
    expect(cache.set('a', 'xxxxx')).toBe(false);
    expect(cache.peek('a')).toBe('xx');
  });

  it('counts hits and misses, and looking without asking counts nothing', () => {
    const { cache } = cacheOf(4);
    cache.set('a', 'xx');
    cache.get('a');
    cache.get('b');
    cache.peek('a');
    cache.has('b');
    expect(cache.counts).toEqual({ hits: 1, misses: 1, evictions: 0, refused: 0 });
  });

  it('keeps nothing with a bound of 0', () => {
    const { cache } = cacheOf(0);
    expect(cache.set('a', 'x')).toBe(false);
    expect(cache.size).toBe(0);
  });

  it('tells evictions from what is deleted, cleared or replaced', () => {
    const { cache, evicted } = cacheOf(10);
    cache.set('a', 'xx');
    cache.set('a', 'xxx');
    cache.delete('a');
    cache.set('b', 'xx');
    cache.clear();
    expect(evicted).toEqual([]);
    expect(cache.counts.evictions).toBe(0);
    expect(cache.bytes).toBe(0);
  });

  it('holds its bound through any sequence of uses', () => {
    const use = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), bytes: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(fc.array(use, { maxLength: 40 }), (uses) => {
        const { cache } = cacheOf(16);
        for (const { key, bytes } of uses) {
          expect(cache.set(key, 'x'.repeat(bytes))).toBe(bytes <= 16);
          const held = [...cache.keys()].reduce((sum, name) => sum + (cache.peek(name)?.length ?? 0), 0);
          expect(cache.bytes).toBe(held);
          expect(held).toBeLessThanOrEqual(16);
        }
      }),
    );
  });
});
