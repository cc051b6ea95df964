/** What a running service holds at an instant: what its metrics say, and where Linux says that it lies. */
import { readFileSync } from 'node:fs';
import type { Scrape, Served } from '../load/served.ts';
import { slope } from './slope.ts';
import { memoryMap, type MemoryMap } from './smaps.ts';

export interface ServiceMemory extends MemoryMap {
  rssMiB: number;
  /** V8's heap in use, and what lies beside it: array buffers. */
  v8MiB: number;
  buffersMiB: number;
  /** Of the buffers: pictures, latents and loops kept to be shown again. */
  cachedMiB: number;
  /** What is left of the resident memory without V8, buffers and files: the libraries, and what is free but kept. */
  nativeMiB: number;
}

/** What may grow, and by how much a minute. */
export const GROWING = ['v8MiB', 'buffersMiB', 'cachedMiB', 'nativeMiB'] as const;
export type Growth = Record<(typeof GROWING)[number], number>;

const NO_MAP: MemoryMap = { fileMiB: 0, heapMiB: 0, arenasMiB: 0, otherMiB: 0 };

/** Where there is no /proc, the map is all zero. */
export function memoryOf({ pid }: Served, scrape: Scrape): ServiceMemory {
  const mebibytes = (name: string): number => tenth((scrape[name] ?? 0) / 2 ** 20);
  const map = process.platform === 'linux' ? memoryMap(mapsOf(pid)) : NO_MAP;
  const rssMiB = tenth(mebibytes('process_resident_memory_bytes') + mebibytes('glimpse_inference_memory_bytes'));
  const v8MiB = mebibytes('nodejs_heap_size_used_bytes');
  const buffersMiB = mebibytes('nodejs_external_memory_bytes');
  return {
    rssMiB,
    v8MiB,
    buffersMiB,
    cachedMiB: mebibytes('glimpse_cache_bytes'),
    nativeMiB: tenth(rssMiB - v8MiB - buffersMiB - map.fileMiB),
    fileMiB: tenth(map.fileMiB),
    heapMiB: tenth(map.heapMiB),
    arenasMiB: tenth(map.arenasMiB),
    otherMiB: tenth(map.otherMiB),
  };
}

/** Of the process and of those it has started: the models are in one of their own. */
function mapsOf(pid: number): string {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [pid, ...children].map((each) => readFileSync(`/proc/${each}/smaps`, 'utf8')).join('\n');
}

export function growth(samples: readonly (ServiceMemory & { atS: number })[]): Growth {
  const of = (part: keyof Growth): number => slope(samples.map((sample) => [sample.atS / 60, sample[part]]));
  return {
    v8MiB: of('v8MiB'),
    buffersMiB: of('buffersMiB'),
    cachedMiB: of('cachedMiB'),
    nativeMiB: of('nativeMiB'),
  };
}

const tenth = (value: number): number => Math.round(value * 10) / 10;
