/**
 * Proof that a client owns the key of the certificate it presented (CertificateVerify, RFC 5246 section 7.4.8). Without
 * it anyone with the public certificate could connect.
 */
import { verify, X509Certificate, type KeyObject } from 'node:crypto';
import { SIGNATURE_SCHEMES, type Signature } from './client-messages.ts';

/** Larger keys make a check slow, and browsers make none. */
const RSA_MAX_BITS = 4096;
const RSA_EXPONENT_MAX = 65_537n;
const CURVES: readonly (string | undefined)[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/** @param transcript every handshake message before the signature */
export function provesPossession(
  { scheme, bytes }: Signature,
  transcript: readonly Buffer[],
  certificateDer: Buffer,
): boolean {
  const known = SIGNATURE_SCHEMES.get(scheme);
  if (known === undefined) return false;
  try {
    const { publicKey } = new X509Certificate(certificateDer);
    if (publicKey.asymmetricKeyType !== known.keyType || !isModest(publicKey)) return false;
    return verify(known.hash, Buffer.concat(transcript), publicKey, bytes);
  } catch {
    // A certificate or signature that cannot be parsed is no proof.
    return false;
  }
}

function isModest({ asymmetricKeyDetails: details = {} }: KeyObject): boolean {
  const { namedCurve, modulusLength, publicExponent } = details;
  if (modulusLength === undefined) return CURVES.includes(namedCurve);
  return modulusLength <= RSA_MAX_BITS && (publicExponent ?? RSA_EXPONENT_MAX + 1n) <= RSA_EXPONENT_MAX;
}
