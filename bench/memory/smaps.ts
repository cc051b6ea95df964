/** Where a process's memory lies, read from Linux's `/proc/PID/smaps` (proc(5)). Pure. */

/** Resident MiB by the kind of mapping. */
export interface MemoryMap {
  /** Programs, libraries, and files that are mapped. */
  fileMiB: number;
  /** glibc's first arena, which grows by brk. */
  heapMiB: number;
  /** glibc's arenas of threads. */
  arenasMiB: number;
  /** Everything else: V8's heap, large allocations, stacks. */
  otherMiB: number;
}

/** glibc begins each arena of a thread at a multiple of this, and reserves as much (HEAP_MAX_SIZE on 64 bits). */
const ARENA_BYTES = 64 * 2 ** 20;

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(.*)$/;
const RESIDENT = /^Rss: +(\d+) kB$/;

interface Mapping {
  start: number;
  end: number;
  access: string;
  inode: string;
  name: string;
  kibibytes: number;
}

export function memoryMap(smaps: string): MemoryMap {
  const mappings = mappingsOf(smaps);
  const kibibytes = { fileMiB: 0, heapMiB: 0, arenasMiB: 0, otherMiB: 0 };
  for (const [index, mapping] of mappings.entries())
    kibibytes[kindOf(mapping, mappings[index + 1])] += mapping.kibibytes;
  return {
    fileMiB: kibibytes.fileMiB / 1024,
    heapMiB: kibibytes.heapMiB / 1024,
    arenasMiB: kibibytes.arenasMiB / 1024,
    otherMiB: kibibytes.otherMiB / 1024,
  };
}

function mappingsOf(smaps: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of smaps.split('\n')) {
    const head = HEAD.exec(line);
    const [, start = '', end = '', access = '', inode = '', name = ''] = head ?? [];
    if (head)
      mappings.push({
        start: Number.parseInt(start, 16),
        end: Number.parseInt(end, 16),
        access,
        inode,
        name,
        kibibytes: 0,
      });
    const last = mappings.at(-1);
    const resident = RESIDENT.exec(line)?.[1];
    if (last && resident !== undefined) last.kibibytes = Number(resident);
  }
  return mappings;
}

function kindOf({ start, end, access, inode, name }: Mapping, next: Mapping | undefined): keyof MemoryMap {
  if (inode !== '0') return 'fileMiB';
  if (name === '[heap]') return 'heapMiB';
  // What an arena does not use yet lies behind it without any access, up to its end.
  const reserved = next?.start === end && next.access.startsWith('---') ? next.end : end;
  const isArena = start % ARENA_BYTES === 0 && access.startsWith('rw') && reserved - start === ARENA_BYTES;
  return isArena ? 'arenasMiB' : 'otherMiB';
}
