import { expect, it } from 'vitest';
import { memoryMap } from '../../../bench/memory/smaps.ts';

const mapping = (range: string, access: string, file: string, rssKiB: number): string =>
  `${range} ${access} 00000000 ${file}\nSize: 9999 kB\nRss:    ${rssKiB} kB\nPss: 1 kB\n`;

it('sorts resident memory by what maps it', () => {
  const smaps = [
    mapping('00400000-00500000', 'r-xp', '08:01 12 /usr/bin/node', 1024),
    mapping('01000000-02000000', 'rw-p', '00:00 0                    [heap]', 2048),
    // An arena: from a multiple of 64 MiB, with what it has reserved behind it.
    mapping('7f0000000000-7f0001000000', 'rw-p', '00:00 0 ', 4096),
    mapping('7f0001000000-7f0004000000', '---p', '00:00 0 ', 0),
    // The same place with nothing reserved is somebody else's.
    mapping('7f0008000000-7f0009000000', 'rw-p', '00:00 0 ', 8192),
    mapping('7f0010000000-7f0010100000', 'rw-p', '00:00 0 [stack]', 512),
  ].join('');
  expect(memoryMap(smaps)).toEqual({ fileMiB: 1, heapMiB: 2, arenasMiB: 4, otherMiB: 8.5 });
});

it('says nothing of nothing', () => {
  expect(memoryMap('')).toEqual({ fileMiB: 0, heapMiB: 0, arenasMiB: 0, otherMiB: 0 });
});
