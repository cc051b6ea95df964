/**
 * The unfinished slices of an export, in a segment cache of its own, `<file>.slices`, beside the output file. An
 * interrupted run leaves it there, even after a kill, and the same command continues from it. A completed run deletes
 * it. A configured cache folder of the service replaces it.
 */
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';

/** Unbounded for one export: 10 minutes of the largest pictures. */
const DISK_MB = 65_536;

export class Unfinished {
  readonly #folder: string | undefined;
  /** Whether the service's own cache folder keeps them. */
  readonly #cached: boolean;

  /** @param out the output file */
  constructor({ generator, cacheDir, cacheMemory }: Config, out: string) {
    const caches = generator !== 'pattern' && cacheDir === undefined && cacheMemory > 0;
    this.#cached = generator !== 'pattern' && cacheDir !== undefined && cacheMemory > 0;
    this.#folder = caches ? `${out}.slices` : undefined;
  }

  /** Whether a later run of the same command finds the finished slices. */
  get keeps(): boolean {
    return this.#folder !== undefined || this.#cached;
  }

  /** Settings that let a generator find them. Near hits are off: a file always starts from noise. */
  settings(config: Config): Config {
    const exact = { ...config, cacheNear: 0 };
    return this.#folder === undefined ? exact : { ...exact, cacheDir: this.#folder, cacheDisk: DISK_MB };
  }

  /** Deletes empty folders of a run that failed before its first slice. Never throws. */
  async leave(): Promise<void> {
    if (this.#folder === undefined) return;
    for (const folder of [join(this.#folder, 'segments'), this.#folder]) await rmdir(folder).catch(() => {});
  }

  /** Call when the file is complete, or before starting over. Never throws: a remaining folder only takes space. */
  async forget(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true }).catch(() => {});
  }
}
