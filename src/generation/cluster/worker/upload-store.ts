/** Uploads by content, so that a gateway sends each to this worker once. Bounded; the least recently used go first. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const MAX_BYTES = 256 * 1024 * 1024;

export class UploadStore {
  readonly #uploads = new LRUCache<string, Uint8Array>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ length }) => Math.max(1, length),
  });

  get(sha256: string): Uint8Array | undefined {
    return this.#uploads.get(sha256);
  }

  /** False, and nothing kept, if the bytes do not have this digest. */
  put(sha256: string, bytes: Uint8Array): boolean {
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) return false;
    this.#uploads.set(sha256, bytes);
    return true;
  }
}
