/**
 * The self-signed ECDSA P-256 certificate that one host presents to all its peers (RFC 8827 section 6.5). Every answer
 * carries its SHA-256 fingerprint (RFC 8122). It lives as long as the process.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { CipherContext, HashAlgorithm, NamedCurveAlgorithm, SignatureAlgorithm } from 'werift';

export interface DtlsCertificate {
  certPem: string;
  keyPem: string;
  /** As in `a=fingerprint`: `sha-256 AB:CD:…`. */
  fingerprint: string;
}

export async function createDtlsCertificate(): Promise<DtlsCertificate> {
  const { certPem, keyPem } = await CipherContext.createSelfSignedCertificateWithKey(
    { signature: SignatureAlgorithm.ecdsa_3, hash: HashAlgorithm.sha256_4 },
    NamedCurveAlgorithm.secp256r1_23,
  );
  const { raw } = new X509Certificate(certPem);
  return { certPem, keyPem, fingerprint: `sha-256 ${fingerprintOf(raw, 'sha-256')}` };
}

/** Hash functions accepted in `a=fingerprint`, strongest first; weaker ones (RFC 8122 section 5) are not secure. */
export const FINGERPRINT_HASHES = ['sha-512', 'sha-384', 'sha-256'] as const;
export type FingerprintHash = (typeof FINGERPRINT_HASHES)[number];

/** One `a=fingerprint` line, hash name lower case, value upper case with colons. */
export interface Fingerprint {
  hash: FingerprintHash;
  value: string;
}

/** Upper-case hexadecimal with colons, as SDP writes it. */
export function fingerprintOf(der: Buffer, hash: FingerprintHash): string {
  const digest = createHash(hash.replace('-', '')).update(der).digest('hex').toUpperCase();
  return digest.match(/../g)!.join(':');
}

/** RFC 8122 section 5: only the strongest offered hash counts, and one of its values must match. */
export function matchesFingerprint(der: Buffer, offered: readonly Fingerprint[]): boolean {
  const strongest = FINGERPRINT_HASHES.find((hash) => offered.some((fingerprint) => fingerprint.hash === hash));
  if (strongest === undefined) return false;
  const actual = fingerprintOf(der, strongest);
  return offered.some(({ hash, value }) => hash === strongest && value === actual);
}
