/**
 * A digest of what a backend's pictures depend on besides the job. For a model pack it covers the manifest, which names
 * every file by its sha-256. For ComfyUI it covers our settings alone: an operator who replaces a model file there
 * under the same name must empty the cache folder.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComfyUiConfig } from '../comfyui/create.ts';

/** @param variants the kinds of weights chosen of those the pack has */
export async function packIdentity(modelDirectory: string, variants: string): Promise<string> {
  return digest([await readFile(join(modelDirectory, 'manifest.json')), Buffer.from(variants)]);
}

export async function comfyUiIdentity(config: ComfyUiConfig): Promise<string> {
  const { comfyuiUrl, workflow, comfyuiCheckpoint, comfyuiSize, comfyuiParameters, comfyuiInput } = config;
  const settings = JSON.stringify([comfyuiUrl, workflow, comfyuiCheckpoint, comfyuiSize]);
  const mapping = workflow.endsWith('.json') ? workflow : undefined;
  const contents = [mapping, comfyuiParameters, comfyuiInput].map((path) =>
    path === undefined ? Promise.resolve(Buffer.alloc(0)) : readFile(path),
  );
  return digest([Buffer.from(settings), ...(await Promise.all(contents))]);
}

/** Hashes each part by itself, so that moving bytes from one part to the next changes the digest. */
function digest(parts: readonly Uint8Array[]): string {
  const whole = createHash('sha256');
  for (const part of parts) whole.update(createHash('sha256').update(part).digest());
  return whole.digest('hex');
}
