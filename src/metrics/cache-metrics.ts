/** Counts and bytes of each cache, read from the cache itself at every scrape, so that nothing is counted twice. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { CACHE_NAMES, type CacheFigures, type CacheName, type CacheSource } from './cache-source.ts';

const EVENTS = {
  hit: ({ hits }) => hits,
  miss: ({ misses }) => misses,
  eviction: ({ evictions }) => evictions,
  refused: ({ refused = 0 }) => refused,
  damaged: ({ damaged = 0 }) => damaged,
} as const satisfies Record<string, (figures: CacheFigures) => number>;

/** Every name and event exists from the start, at zero. @returns adds caches to read from */
export function cacheMetrics(registry: Registry): (sources: readonly CacheSource[]) => void {
  const sources = new Map<CacheName, CacheSource>();
  const figuresOf = (cache: CacheName): CacheFigures =>
    sources.get(cache)?.read() ?? { hits: 0, misses: 0, evictions: 0, bytes: 0 };
  const events = new Counter({
    name: 'glimpse_cache_events_total',
    help: 'What happened in each cache: hit, miss, eviction, refused (no room, or the disk would not take it), damaged (a file was dropped).',
    labelNames: ['cache', 'event'],
    registers: [],
    collect() {
      this.reset();
      for (const cache of CACHE_NAMES)
        for (const [event, count] of Object.entries(EVENTS)) this.inc({ cache, event }, count(figuresOf(cache)));
    },
  });
  const bytes = new Gauge({
    name: 'glimpse_cache_bytes',
    help: 'Bytes each cache holds.',
    labelNames: ['cache'],
    registers: [],
    collect() {
      for (const cache of CACHE_NAMES) this.set({ cache }, figuresOf(cache).bytes);
    },
  });
  registry.registerMetric(events);
  registry.registerMetric(bytes);
  return (added) => {
    for (const source of added) sources.set(source.cache, source);
  };
}
