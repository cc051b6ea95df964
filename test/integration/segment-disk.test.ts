import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { SegmentDisk, systemFiles, type SegmentDiskOptions } from '../../src/generation/cache/segment-disk.ts';
import { encodeSegment } from '../../src/generation/cache/segment-file.ts';
import type { Segment } from '../../src/generation/cache/segment.ts';
import { createRandom } from '../../src/generation/slices/noise.ts';
import { clockAt } from '../support/clock-at.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'glimpse-segments-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const key = (digit: string) => `${digit.repeat(64)}-refined`;
const file = (name: string) => join(directory, `${name}.seg`);

/** Frames of noise, so that a file is about as large as its pictures. */
function segment(seed: number): Segment {
  const random = createRandom(seed);
  const data = Uint8Array.from({ length: 1536 }, () => random.bits() & 0xff);
  return {
    tier: 'refined',
    frames: [{ widthPx: 32, heightPx: 32, data }],
    latents: Float32Array.of(0.5, -1, seed),
  };
}

interface Opened {
  disk: SegmentDisk;
  troubles: string[];
  clock: Clock & { us: number };
}

function open(options: Partial<SegmentDiskOptions> = {}): Opened {
  const clock: Clock & { us: number } = { us: 0, ...clockAt(() => clock.us, Date.now) };
  const troubles: string[] = [];
  const onTrouble = ({ code, operation }: { code: string; operation: string }) => troubles.push(`${operation} ${code}`);
  return { disk: new SegmentDisk({ directory, maxBytes: 1e6, clock, onTrouble, ...options }), troubles, clock };
}

async function written(name: string, value: Segment): Promise<void> {
  const { disk } = open();
  disk.put(name, value);
  await disk.flush();
}

describe('segments on disk', () => {
  it('come back after a restart as they were', async () => {
    await written(key('a'), segment(1));
    const { disk } = open();
    expect(await disk.get(key('a'))).toEqual(segment(1));
    expect(await disk.get(key('b'))).toBeUndefined();
    expect(disk.counts).toMatchObject({ hits: 1, misses: 1, damaged: 0 });
  });

  it('say nothing of prompts, and are for their owner alone', async () => {
    await written(key('a'), segment(1));
    expect(await readdir(directory)).toEqual([`${key('a')}.seg`]);
    expect((await stat(file(key('a')))).mode & 0o077).toBe(0);
  });

  it.each([
    ['cut off', (data: Buffer) => data.subarray(0, -1)],
    ['empty', () => Buffer.alloc(0)],
    ['changed in one bit', (data: Buffer) => (data.writeUInt8(data.readUInt8(60) ^ 1, 60), data)],
    ['of another format', () => Buffer.from('not a segment at all, but long enough to be one, or so it seems')],
  ])('that are %s are dropped and missing', async (_, damage) => {
    await written(key('a'), segment(1));
    await writeFile(file(key('a')), damage(await readFile(file(key('a')))));
    const { disk } = open();
    expect(await disk.get(key('a'))).toBeUndefined();
    expect(disk.counts.damaged).toBe(1);
    expect(await readdir(directory)).toEqual([]);
  });

  it('under the name of another are damaged, however whole', async () => {
    await writeFile(file(key('a')), await encodeSegment(key('b'), segment(1)));
    expect(await open().disk.get(key('a'))).toBeUndefined();
  });

  it('keep within their bytes: those used longest ago go first, also after a restart', async () => {
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      await written(key(name), segment(index));
      await utimes(file(key(name)), index, index);
    }
    const { disk } = open({ maxBytes: 5_000 });
    await disk.flush();
    await disk.get(key('a'));
    disk.put(key('d'), segment(4));
    await disk.flush();
    expect((await readdir(directory)).toSorted()).toEqual([`${key('a')}.seg`, `${key('c')}.seg`, `${key('d')}.seg`]);
    expect(disk.bytes).toBeLessThanOrEqual(5_000);
    expect(disk.counts.evictions).toBe(1);
  });

  it('leave foreign files alone, and what a dead process was writing is removed', async () => {
    await writeFile(join(directory, 'notes.txt'), 'mine');
    const orphan = join(directory, `${key('a')}.seg.123-0.partial`);
    await writeFile(orphan, 'half');
    await utimes(orphan, 0, 0);
    const { disk } = open({ maxBytes: 0 });
    await disk.flush();
    expect(await readdir(directory)).toEqual(['notes.txt']);
  });

  it('may be written by two processes at once', async () => {
    const names = '0123456789abcdef'.split('').map(key);
    const source = new URL('../../src/generation/cache/segment-disk.ts', import.meta.url).href;
    const other = `import { SegmentDisk } from '${source}';
      const clock = { nowUs: () => 0, wallMs: () => Date.now() };
      const disk = new SegmentDisk({ directory: process.argv[1], maxBytes: 9_000, clock, onTrouble() {} });
      const frames = [{ widthPx: 32, heightPx: 32, data: new Uint8Array(1536) }];
      for (const name of process.argv.slice(2)) disk.put(name, { tier: 'refined', frames });
      await disk.flush();
      if (disk.counts.refused > 0) process.exitCode = 1;`;
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', other, directory, ...names]);
    const { disk, troubles } = open({ maxBytes: 9_000 });
    for (let round = 0; round < 20; round++) {
      for (const [index, name] of names.entries()) disk.put(name, segment(index));
      await disk.flush();
    }
    await child;
    const read = await Promise.all(names.map((name) => disk.get(name)));
    const theirs = { tier: 'refined', frames: [{ widthPx: 32, heightPx: 32, data: new Uint8Array(1536) }] };
    for (const [index, found] of read.entries()) if (found) expect([segment(index), theirs]).toContainEqual(found);
    expect(read.some((found) => found !== undefined)).toBe(true);
    expect([disk.counts.damaged, troubles.length]).toEqual([0, 0]);
    expect((await readdir(directory)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('may be written and dropped by two at once', async () => {
    const [one, two] = [open({ maxBytes: 9_000 }).disk, open({ maxBytes: 9_000 }).disk];
    const names = '0123456789abcdef'.split('').map(key);
    for (const [index, name] of names.entries()) {
      one.put(name, segment(index));
      two.put(name, segment(index));
    }
    await Promise.all([one.flush(), two.flush()]);
    let found = 0;
    for (const [index, name] of names.entries()) {
      for (const disk of [one, two]) {
        const read = await disk.get(name);
        if (read) expect(read).toEqual(segment(index));
        found += read ? 1 : 0;
      }
    }
    expect(found).toBeGreaterThan(0);
    expect([one.counts.damaged, two.counts.damaged]).toEqual([0, 0]);
    const left = await readdir(directory);
    expect(left.filter((name) => name.endsWith('.partial'))).toEqual([]);
    // Each holds its own bound, and looks at what the other wrote every eighth of it.
    expect(left.length * 1_700).toBeLessThan(2 * 9_000);
  });
});

/** Only root may, and not in every container. */
const canMount = (): boolean => {
  const tried = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'none', '/mnt']);
  return tried.status === 0 && spawnSync('umount', ['/mnt']).status === 0;
};

describe('a folder that cannot be used', () => {
  it('is told once, and everything is missing', async () => {
    const notAFolder = join(directory, 'file');
    await writeFile(notAFolder, '');
    const { disk, troubles } = open({ directory: join(notAFolder, 'cache') });
    disk.put(key('a'), segment(1));
    disk.put(key('b'), segment(2));
    await disk.flush();
    expect(await disk.get(key('a'))).toBeUndefined();
    expect(troubles).toEqual(['open ENOTDIR']);
    expect(disk.counts.refused).toBe(2);
  });

  it('is told once where the system itself is read-only', async () => {
    const { disk, troubles } = open({ directory: '/proc/glimpse-cache' });
    disk.put(key('a'), segment(1));
    await disk.flush();
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toMatch(/^open (ENOENT|EROFS|EACCES|EPERM)$/);
  });

  it.skipIf(!canMount())(
    'that is really full, and one that is really read-only, lose nothing that is there',
    async () => {
      const mounted = join(directory, 'mounted');
      await mkdir(mounted);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', mounted]);
      try {
        const { disk, troubles } = open({ directory: mounted });
        for (const [index, digit] of '01234567'.split('').entries()) disk.put(key(digit), segment(index));
        await disk.flush();
        expect(troubles).toEqual(['write ENOSPC']);
        expect(await disk.get(key('0'))).toEqual(segment(0));
        execFileSync('mount', ['-o', 'remount,ro', mounted]);
        const readOnly = open({ directory: mounted });
        readOnly.disk.put(key('f'), segment(15));
        await readOnly.disk.flush();
        expect(readOnly.troubles).toEqual(['write EROFS']);
        expect(await readOnly.disk.get(key('0'))).toEqual(segment(0));
      } finally {
        execFileSync('umount', [mounted]);
      }
    },
  );

  // The errors are made here, for machines that let nobody mount: a full disk of one's own needs a mount.
  it.each(['ENOSPC', 'EROFS'])('by %s is read on, left alone for a minute, and then tried again', async (code) => {
    await written(key('a'), segment(1));
    let full = true;
    let writes = 0;
    const write = (path: string, data: Buffer): Promise<void> => {
      writes += 1;
      return full ? Promise.reject(Object.assign(new Error(code), { code })) : systemFiles.write(path, data);
    };
    const { disk, troubles, clock } = open({ files: { ...systemFiles, write } });
    for (const name of ['b', 'c', 'd']) disk.put(key(name), segment(2));
    await disk.flush();
    expect(await disk.get(key('a'))).toEqual(segment(1));
    expect(writes).toBe(1);
    expect(troubles).toEqual([`write ${code}`]);
    full = false;
    clock.us = 61e6;
    disk.put(key('b'), segment(2));
    await disk.flush();
    expect(await disk.get(key('b'))).toEqual(segment(2));
  });
});
