/** Certificate fingerprints as SDP carries them (RFC 8122 section 5). */

/** Hash functions accepted in `a=fingerprint`, strongest first; weaker ones are not secure. */
export const FINGERPRINT_HASHES = ['sha-512', 'sha-384', 'sha-256'] as const;
export type FingerprintHash = (typeof FINGERPRINT_HASHES)[number];

/** One `a=fingerprint` line, hash name lower case, value upper case with colons. */
export interface Fingerprint {
  hash: FingerprintHash;
  value: string;
}
