/**
 * Makes clips one after another at low priority, and keeps their files in a folder bounded in bytes; the least
 * recently fetched clip is deleted first. A temporary folder is deleted when the service ends. Finished clips in a
 * named folder are served again by the next run (clip-shelf.ts).
 */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { GlimpseError, toGlimpseError } from '../errors.ts';
import { parsePrompts } from '../generation/prompt/prompt-list.ts';
import { sliceCount, sliceStartMs } from '../generation/slices/schedule.ts';
import { kept } from '../lifetime/kept-promise.ts';
import { LIMITS } from '../limits.ts';
import { shelve, shelved, type ShelvedClip } from './clip-shelf.ts';
import type { ClipFile, ClipLibrary, ClipRequest, ClipStatus } from './contract.ts';

export interface ClipJob {
  request: ClipRequest & { seed: number };
  /** A folder of its own, to be filled with `clip.mp4`, `index.m3u8` and segments. */
  folder: string;
  signal: AbortSignal;
  onProgress: (share: number) => void;
}

export interface ClipLibraryOptions {
  /** Folder that keeps finished clips between runs; when left out, a temporary one. */
  folder?: string | undefined;
  maxBytes: number;
  slice: { frames: number; fps: number };
  make: (job: ClipJob) => Promise<void>;
  onError?: (error: GlimpseError) => void;
}

interface Entry {
  status: ClipStatus;
  /** Undefined for a clip from an earlier run. */
  request?: ClipRequest & { seed: number };
  /** The user who requested it. */
  user: string;
  abort: AbortController;
  /** Folder of its files; undefined before it is made. */
  folder?: string | undefined;
  bytes: number;
  files: Map<string, ClipFile>;
}

const ID_BYTES = 16;
/** Typical time to make one clip. */
const RETRY_MS = 10_000;
const NAME = /^(clip\.mp4|index\.m3u8|(init|segment\d+)-[0-9a-f]{16}\.(mp4|m4s))$/;
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.m4s': 'video/iso.segment',
  '.m3u8': 'application/vnd.apple.mpegurl',
};

export class Clips implements ClipLibrary {
  readonly #options: ClipLibraryOptions;
  /** In order of last use, oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #queue: Entry[] = [];
  #folder: Promise<string> | undefined;
  #making: Promise<void> | undefined;
  #closed = false;

  constructor(options: ClipLibraryOptions) {
    this.#options = options;
  }

  /** Includes the clips that an earlier run left in a named folder. */
  static async open(options: ClipLibraryOptions): Promise<Clips> {
    const clips = new Clips(options);
    if (options.folder === undefined) return clips;
    for (const clip of await shelved(options.folder)) clips.#restore(clip);
    await clips.#makeRoom();
    return clips;
  }

  create(request: ClipRequest, user: string): ClipStatus {
    if (this.#closed) throw new GlimpseError('SERVER_CLOSING');
    const { slice } = this.#options;
    const slices = sliceCount(request.seconds, slice);
    parsePrompts(request.prompt, slices);
    this.#requireRoom(user);
    const seed = request.seed ?? randomInt(2 ** 32);
    const entry: Entry = {
      status: {
        id: randomBytes(ID_BYTES).toString('base64url'),
        state: 'queued',
        progress: 0,
        queuePosition: 0,
        seed,
        durationMs: sliceStartMs(slices, slice),
      },
      request: { ...request, seed },
      user,
      abort: new AbortController(),
      bytes: 0,
      files: new Map(),
    };
    this.#entries.set(entry.status.id, entry);
    this.#queue.push(entry);
    this.#making ??= kept(this.#work());
    return this.status(entry.status.id);
  }

  status(id: string): ClipStatus {
    const entry = this.#find(id);
    const waiting = this.#queue.indexOf(entry);
    return { ...entry.status, queuePosition: Math.max(0, waiting) };
  }

  async file(id: string, name: string): Promise<ClipFile> {
    const entry = this.#find(id);
    if (!NAME.test(name)) throw new GlimpseError('NOT_FOUND');
    if (entry.status.state !== 'ready') throw new GlimpseError('CLIP_NOT_READY', { retryAfterMs: 1_000 });
    const file = entry.files.get(name);
    if (!file) throw new GlimpseError('NOT_FOUND');
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return file;
  }

  async remove(id: string): Promise<void> {
    const entry = this.#find(id);
    this.#entries.delete(id);
    const waiting = this.#queue.indexOf(entry);
    if (waiting >= 0) this.#queue.splice(waiting, 1);
    entry.abort.abort();
    await this.#erase(entry);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.length = 0;
    for (const { abort } of this.#entries.values()) abort.abort();
    await this.#making;
    const folder = await this.#folder?.catch(() => undefined);
    if (folder === undefined || this.#options.folder !== undefined) return;
    await rm(folder, { recursive: true, force: true });
  }

  #restore({ id, folder, seed, durationMs, files }: ShelvedClip): void {
    const bytes = [...files.values()].reduce((sum, file) => sum + file.bytes, 0);
    const status = { id, state: 'ready', progress: 1, queuePosition: 0, seed, durationMs } as const;
    this.#entries.set(id, { status: { ...status }, user: '', abort: new AbortController(), folder, bytes, files });
  }

  async #work(): Promise<void> {
    try {
      for (let entry = this.#queue.shift(); entry; entry = this.#queue.shift()) await this.#make(entry);
    } finally {
      this.#making = undefined;
    }
  }

  async #make(entry: Entry): Promise<void> {
    const { status, request, abort } = entry;
    if (!request) return;
    status.state = 'making';
    try {
      const folder = join(await this.#home(), status.id);
      entry.folder = folder;
      await mkdir(folder, { recursive: true });
      const onProgress = (share: number): void => {
        status.progress = share;
      };
      await this.#options.make({ request, folder, signal: abort.signal, onProgress });
      await this.#shelve(entry, folder);
      Object.assign(status, { state: 'ready', progress: 1 });
    } catch (thrown) {
      const error = failureOf(thrown);
      Object.assign(status, { state: 'failed', error: error.toJSON() });
      await this.#erase(entry);
      if (!abort.signal.aborted) this.#options.onError?.(error);
    }
    // Failed clips are kept too, so that clients can read the reason.
    await this.#makeRoom(entry);
  }

  async #shelve(entry: Entry, folder: string): Promise<void> {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const { size: bytes } = await stat(path);
      const hash = createHash('sha256')
        .update(await readFile(path))
        .digest('base64url')
        .slice(0, 22);
      const contentType = CONTENT_TYPES[extname(name)] ?? 'application/octet-stream';
      entry.files.set(name, { path, bytes, etag: `"${hash}"`, contentType });
      entry.bytes += bytes;
    }
    const { seed, durationMs } = entry.status;
    if (this.#options.folder !== undefined) await shelve({ folder, seed, durationMs, files: entry.files });
  }

  /** Keeps the newest even if it alone exceeds the bound: it was just requested. */
  async #makeRoom(newest?: Entry): Promise<void> {
    let bytes = 0;
    for (const entry of this.#entries.values()) bytes += entry.bytes;
    const ended = [...this.#entries.values()].filter((entry) => ['ready', 'failed'].includes(entry.status.state));
    let kept = ended.length;
    for (const entry of ended) {
      if (entry === newest || (bytes <= this.#options.maxBytes && kept <= LIMITS.clipsKeptMax)) continue;
      bytes -= entry.bytes;
      kept -= 1;
      this.#entries.delete(entry.status.id);
      await this.#erase(entry);
    }
  }

  /** @throws GlimpseError RATE_LIMITED */
  #requireRoom(user: string): void {
    const retryAfterMs = RETRY_MS;
    if (this.#queue.length >= LIMITS.clipsWaitingMax) throw new GlimpseError('RATE_LIMITED', { retryAfterMs });
    const unmade = [...this.#entries.values()].filter(({ status: { state }, user: owner }) => {
      return owner === user && (state === 'queued' || state === 'making');
    });
    if (unmade.length < LIMITS.clipsPerUserMax) return;
    const message = 'This user or address has as many clips in the making as it may.';
    throw new GlimpseError('RATE_LIMITED', { message, retryAfterMs });
  }

  /** A folder that cannot be created now may work for the next clip: a failure is not cached. */
  #home(): Promise<string> {
    const { folder } = this.#options;
    if (this.#folder) return this.#folder;
    const made =
      folder === undefined
        ? mkdtemp(join(tmpdir(), 'glimpse-clips-'))
        : mkdir(folder, { recursive: true }).then(() => folder);
    this.#folder = kept(made);
    made.catch(() => (this.#folder = undefined));
    return made;
  }

  /** Never rejects: a file that cannot be removed is reported to the operator and does not fail the next clip. */
  async #erase(entry: Entry): Promise<void> {
    entry.files.clear();
    entry.bytes = 0;
    const { folder } = entry;
    entry.folder = undefined;
    if (folder === undefined) return;
    await rm(folder, { recursive: true, force: true }).catch((cause: unknown) =>
      this.#options.onError?.(new GlimpseError('STORAGE_FAILED', { cause })),
    );
  }

  #find(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new GlimpseError('NOT_FOUND');
    return entry;
  }
}

/** Errors of the file system itself: no space, no permission, no such folder. */
const STORAGE_CODES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'ENOENT', 'EIO']);

/** An unwritable file is the operator's concern here: the request was checked before. */
function failureOf(thrown: unknown): GlimpseError {
  const error = toGlimpseError(thrown, isOfStorage(thrown) ? 'STORAGE_FAILED' : 'ENCODER_FAILED');
  if (error.code !== 'PARAMETER_INVALID' || error.details['path'] === undefined) return error;
  return new GlimpseError('STORAGE_FAILED', { message: error.message, cause: error });
}

function isOfStorage(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && STORAGE_CODES.has(String(thrown.code));
}
