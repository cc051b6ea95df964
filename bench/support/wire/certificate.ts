/** Self-signed certificates for tests of TLS, by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsFiles } from '../../../signaling/listen/tls.ts';

export function certify(cert: string, key: string, name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-days', '2', '-nodes'];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' });
}

/** A pair for `localhost` in a folder of its own, which goes when it is disposed of. */
export async function temporaryCertificate(): Promise<TlsFiles & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'glimpse-tls-'));
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  certify(files.cert, files.key, 'localhost');
  return { ...files, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
