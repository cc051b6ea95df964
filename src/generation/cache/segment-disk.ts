/**
 * Segments in a folder that survives restarts. A file gets its name only when complete (temporary name, then rename). A
 * damaged file is deleted and its segment computed again. Processes may share a folder: each keeps its own count,
 * rescans as it writes, and treats a file that another process deleted as a miss. File system errors (read-only, full,
 * no folder) cause one warning; the memory cache still works.
 */
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { decodeSegment, encodeSegment } from './segment-file.ts';
import { SEGMENT_KEY, segmentBytes, type Segment } from './segment.ts';
import { SerialQueue } from '../../lifetime/serial-queue.ts';
import { LIMITS } from '../../limits.ts';

export interface SegmentDiskOptions {
  /** Created if missing; only files with our own names are touched in it. */
  directory: string;
  /** Limit for all files together. Processes that share the folder should use the same. */
  maxBytes: number;
  clock: Clock;
  /** The folder cannot be used, for now or at all; called once until it works again. */
  onTrouble?: (trouble: { code: string; operation: 'open' | 'read' | 'write' }) => void;
  /** For tests of what a file system may refuse. */
  files?: SegmentFiles;
}

/** The file system operations in use. */
export interface SegmentFiles {
  read(path: string): Promise<Buffer>;
  /** Writes the whole file or nothing. */
  write(path: string, data: Buffer): Promise<void>;
}

export interface DiskCounts {
  hits: number;
  misses: number;
  evictions: number;
  damaged: number;
  /** Segments not written, because the folder failed or too many were waiting. */
  refused: number;
}

const SUFFIX = '.seg';
const TEMPORARY = '.partial';
/** A temporary file this old belongs to a process that died. */
const TEMPORARY_MAX_AGE_MS = 10 * 60_000;
/** Bytes that may wait to be written. A disk slower than the generator gets no more. */
const PENDING_MAX_BYTES = 64 * 2 ** 20;
/** Pause after a write error; by then there may be room again. */
const PAUSE_US = 60e6;
/** Rescan the folder after writing this share of its limit: other processes write and delete too. */
const RESCAN_SHARE = 1 / 8;

let temporaries = 0;

export const systemFiles: SegmentFiles = {
  read: (path) => readFile(path),
  async write(path, data) {
    const temporary = `${path}.${process.pid}-${temporaries++}${TEMPORARY}`;
    try {
      await writeFile(temporary, data, { mode: 0o600, flag: 'wx' });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  },
};

export class SegmentDisk {
  readonly counts: DiskCounts = { hits: 0, misses: 0, evictions: 0, damaged: 0, refused: 0 };
  readonly #options: SegmentDiskOptions;
  readonly #files: SegmentFiles;
  /** Size of each file, least recently used first. */
  #sizes = new Map<string, number>();
  #bytes = 0;
  #writtenSinceScan = 0;
  #pendingBytes = 0;
  readonly #writes = new SerialQueue(LIMITS.serialWorkMax);
  #pausedUntilUs = -Infinity;
  #troubled = false;

  constructor(options: SegmentDiskOptions) {
    this.#options = options;
    this.#files = options.files ?? systemFiles;
    void this.#writes.run(() => this.#open());
  }

  /** Bytes found by the last scan, plus those written since. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A segment written by this or another process. Never throws. */
  async get(key: string): Promise<Segment | undefined> {
    const file = await this.#files.read(this.#path(key)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') this.#trouble(error, 'read');
      return undefined;
    });
    const segment = file && (await decodeSegment(key, file));
    this.counts[segment ? 'hits' : 'misses'] += 1;
    if (segment) this.#touch(key, file.length);
    else if (file) {
      this.counts.damaged += 1;
      await this.#drop(key);
    }
    return segment;
  }

  /** Written in the background, one after another. */
  put(key: string, segment: Segment): void {
    const bytes = segmentBytes(segment);
    const { clock, maxBytes } = this.#options;
    if (this.#sizes.has(key)) return;
    const refuses = clock.nowUs() < this.#pausedUntilUs || bytes > maxBytes || this.#writes.isFull;
    if (refuses || this.#pendingBytes + bytes > PENDING_MAX_BYTES) {
      this.counts.refused += 1;
      return;
    }
    this.#pendingBytes += bytes;
    void this.#writes.run(async () => {
      await this.#write(key, segment);
      this.#pendingBytes -= bytes;
    });
  }

  /** Resolves when everything put so far is on disk or refused. */
  flush(): Promise<void> {
    return this.#writes.idle();
  }

  async #open(): Promise<void> {
    try {
      await makeFolder(this.#options.directory);
      await this.#scan();
      await this.#evict();
    } catch (error) {
      this.#trouble(error as NodeJS.ErrnoException, 'open');
    }
  }

  /** Never rejects. */
  async #write(key: string, segment: Segment): Promise<void> {
    if (this.#options.clock.nowUs() < this.#pausedUntilUs) {
      this.counts.refused += 1;
      return;
    }
    try {
      const file = await encodeSegment(key, segment);
      await this.#files.write(this.#path(key), file);
      this.#troubled = false;
      this.#touch(key, file.length);
      this.#writtenSinceScan += file.length;
      if (this.#writtenSinceScan > this.#options.maxBytes * RESCAN_SHARE) await this.#scan();
      await this.#evict();
    } catch (error) {
      this.counts.refused += 1;
      this.#trouble(error as NodeJS.ErrnoException, 'write');
    }
  }

  /** Recounts the folder's files and deletes temporary files of dead processes. */
  async #scan(): Promise<void> {
    const { directory, clock } = this.#options;
    this.#writtenSinceScan = 0;
    const found: { key: string; bytes: number; usedMs: number }[] = [];
    for (const name of await readdir(directory)) {
      const about = await stat(join(directory, name)).catch(() => undefined);
      if (!about?.isFile()) continue;
      const key = name.slice(0, -SUFFIX.length);
      if (name.endsWith(SUFFIX) && SEGMENT_KEY.test(key)) found.push({ key, bytes: about.size, usedMs: about.mtimeMs });
      else if (isTemporary(name) && clock.wallMs() - about.mtimeMs > TEMPORARY_MAX_AGE_MS)
        await rm(join(directory, name), { force: true });
    }
    found.sort((a, b) => a.usedMs - b.usedMs);
    this.#sizes = new Map(found.map(({ key, bytes }) => [key, bytes]));
    this.#bytes = found.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async #evict(): Promise<void> {
    for (const key of this.#sizes.keys()) {
      if (this.#bytes <= this.#options.maxBytes) return;
      await this.#drop(key);
      this.counts.evictions += 1;
    }
  }

  async #drop(key: string): Promise<void> {
    this.#bytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
    await rm(this.#path(key), { force: true }).catch(() => {});
  }

  /** Marks as just used: in memory, and by file time for the next process. */
  #touch(key: string, bytes: number): void {
    this.#bytes += bytes - (this.#sizes.get(key) ?? 0);
    this.#sizes.delete(key);
    this.#sizes.set(key, bytes);
    const now = new Date(this.#options.clock.wallMs());
    void utimes(this.#path(key), now, now).catch(() => {});
  }

  #trouble({ code = 'UNKNOWN' }: NodeJS.ErrnoException, operation: 'open' | 'read' | 'write'): void {
    if (operation !== 'read') this.#pausedUntilUs = this.#options.clock.nowUs() + PAUSE_US;
    if (this.#troubled) return;
    this.#troubled = true;
    this.#options.onTrouble?.({ code, operation });
  }

  #path(key: string): string {
    return join(this.#options.directory, `${key}${SUFFIX}`);
  }
}

/** `<key>.seg.<pid>-<n>.partial` */
const isTemporary = (name: string): boolean => name.endsWith(TEMPORARY) && SEGMENT_KEY.test(name.split('.')[0] ?? '');

/** Without `recursive`: where a file system answers ENOENT for its own folders (/proc), Node retries for ever. */
async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => error);
  if (made === undefined || made.code === 'EEXIST') return;
  if (made.code !== 'ENOENT' || dirname(path) === path) throw made;
  await makeFolder(dirname(path));
  await mkdir(path, { mode: 0o700 });
}
