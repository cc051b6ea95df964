/**
 * A named clips folder between two runs. `clip.json` beside a clip's files holds what their names do not say. It is
 * written last, so a folder without it holds an unfinished clip. It contains nothing of the prompt.
 */
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ClipFile } from './contract.ts';

const MANIFEST = 'clip.json';
/** As `randomBytes(16)` in base64url. */
const ID = /^[\w-]{22}$/;
/** A clip takes minutes: one unfinished for longer belongs to no running service. */
const UNFINISHED_MS = 3_600_000;

const manifestSchema = z.strictObject({
  seed: z.number().int().min(0).max(0xffff_ffff),
  durationMs: z.number().positive(),
  files: z.record(
    z.string().regex(/^[\w.-]+$/),
    z.strictObject({ bytes: z.number().int().min(0), etag: z.string().max(64), contentType: z.string().max(64) }),
  ),
});

export interface ShelvedClip {
  id: string;
  folder: string;
  seed: number;
  durationMs: number;
  files: Map<string, ClipFile>;
}

/** @param clip without its id, which is the folder's name */
export async function shelve(clip: Omit<ShelvedClip, 'id'>): Promise<void> {
  const { folder, seed, durationMs, files } = clip;
  const listed = [...files].map(([name, { bytes, etag, contentType }]) => [name, { bytes, etag, contentType }]);
  const text = JSON.stringify({ seed, durationMs, files: Object.fromEntries(listed) });
  await writeFile(join(folder, `${MANIFEST}.partial`), text);
  await rename(join(folder, `${MANIFEST}.partial`), join(folder, MANIFEST));
}

/**
 * The complete clips of a folder, the least recently fetched or made first. Unfinished clips are deleted; damaged ones
 * are left out.
 */
export async function shelved(home: string, nowMs: number = Date.now()): Promise<ShelvedClip[]> {
  const names = await readdir(home).catch(() => []);
  const found: { clip: ShelvedClip; madeMs: number }[] = [];
  for (const id of names.filter((name) => ID.test(name))) {
    const folder = join(home, id);
    const clip = await read(id, folder);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: nowMs }));
    if (clip) found.push({ clip, madeMs: mtimeMs });
    else if (nowMs - mtimeMs > UNFINISHED_MS) await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
  return found.toSorted((a, b) => a.madeMs - b.madeMs).map(({ clip }) => clip);
}

async function read(id: string, folder: string): Promise<ShelvedClip | undefined> {
  try {
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
    const files = new Map<string, ClipFile>();
    for (const [name, file] of Object.entries(manifest.files)) {
      const path = join(folder, name);
      if ((await stat(path)).size !== file.bytes) return undefined;
      files.set(name, { path, ...file });
    }
    return { id, folder, seed: manifest.seed, durationMs: manifest.durationMs, files };
  } catch {
    return undefined;
  }
}
