/**
 * What an export has made so far, kept beside the file it is to become: a segment cache of its own in `<file>.slices`.
 * A run that is cut off, even by a kill, leaves it there; the same command finds its slices in it and goes on; a run that
 * ends removes it. Where the service's own cache folder is configured, that does all this already.
 */
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';

/** Unbounded as far as one export goes: 10 minutes of the largest pictures. */
const DISK_MB = 65_536;

export class Unfinished {
  readonly #folder: string | undefined;
  /** By the service's own cache folder. */
  readonly #cached: boolean;

  /** @param out the file to become */
  constructor({ generator, cacheDir, cacheMemory }: Config, out: string) {
    const caches = generator !== 'pattern' && cacheDir === undefined && cacheMemory > 0;
    this.#cached = generator !== 'pattern' && cacheDir !== undefined && cacheMemory > 0;
    this.#folder = caches ? `${out}.slices` : undefined;
  }

  /** What has been made is found by the same command. */
  get keeps(): boolean {
    return this.#folder !== undefined || this.#cached;
  }

  /** Settings with which a generator finds what was made. Near hits are off: a file is made from noise, always. */
  settings(config: Config): Config {
    const exact = { ...config, cacheNear: 0 };
    return this.#folder === undefined ? exact : { ...exact, cacheDir: this.#folder, cacheDisk: DISK_MB };
  }

  /** A run that fails before its first slice leaves no empty folders. Never throws. */
  async leave(): Promise<void> {
    if (this.#folder === undefined) return;
    for (const folder of [join(this.#folder, 'segments'), this.#folder]) await rmdir(folder).catch(() => {});
  }

  /** The file is whole, or shall be made anew. Never throws: a folder that stays costs room and nothing else. */
  async forget(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true }).catch(() => {});
  }
}
