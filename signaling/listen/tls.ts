/**
 * The certificate of an HTTPS listener: read from PEM files and checked before listening. It is read again when a file
 * changes, so a renewal needs no restart. An unusable renewal is reported and the old certificate stays.
 */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Config } from '../../src/config/config.ts';
import { GlimpseError } from '../../src/errors.ts';

export interface TlsFiles {
  /** PEM, with the chain. */
  cert: string;
  /** PEM. */
  key: string;
}

export interface KeyPair {
  cert: Buffer;
  key: Buffer;
}

const LOOK_EVERY_MS = 5_000;

/** @throws GlimpseError CONFIG_INVALID when a file cannot be read or the two do not belong together */
export function readKeyPair({ cert, key }: TlsFiles): KeyPair {
  try {
    const pair = { cert: readFileSync(cert), key: readFileSync(key) };
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' || code === 'EACCES' ? `a file cannot be read (${code})` : 'they are no matching pair';
    throw new GlimpseError('CONFIG_INVALID', { message: `--tls-cert ${cert}, --tls-key ${key}: ${why}.`, cause });
  }
}

export interface TlsWatch {
  onRenewed: (pair: KeyPair) => void;
  onTrouble: (error: unknown) => void;
  /** For tests. */
  everyMs?: number;
}

/** @returns stops watching */
export function watchKeyPair(files: TlsFiles, { onRenewed, onTrouble, everyMs = LOOK_EVERY_MS }: TlsWatch): () => void {
  const renew = (): void => {
    try {
      onRenewed(readKeyPair(files));
    } catch (error) {
      onTrouble(error);
    }
  };
  const paths = [files.cert, files.key];
  for (const path of paths) watchFile(path, { interval: everyMs, persistent: false }, renew);
  return () => {
    for (const path of paths) unwatchFile(path, renew);
  };
}

/** @throws GlimpseError CONFIG_INVALID when only one of the two is set */
export function tlsFilesOf({ tlsCert: cert, tlsKey: key }: Pick<Config, 'tlsCert' | 'tlsKey'>): TlsFiles | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new GlimpseError('CONFIG_INVALID', {
      message: '--tls-cert and --tls-key need each other: give both, or neither.',
    });
  return { cert, key };
}
