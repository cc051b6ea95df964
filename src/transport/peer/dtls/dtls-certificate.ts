/**
 * The self-signed ECDSA P-256 certificate that one host presents to all its peers (RFC 8827 section 6.5). Every answer
 * carries its SHA-256 fingerprint (RFC 8122). It lives as long as the process. node:crypto reads certificates and makes
 * none, so its few fields are written here as DER (RFC 5280 section 4.1).
 */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { FINGERPRINT_HASHES, type Fingerprint, type FingerprintHash } from '../sdp/fingerprint.ts';

export interface DtlsCertificate {
  der: Buffer;
  privateKey: KeyObject;
  /** As in `a=fingerprint`: `sha-256 AB:CD:…`. */
  fingerprint: string;
}

const DER = { integer: 2, bitString: 3, objectId: 6, utf8: 12, sequence: 48, set: 49, utcTime: 23, time: 24 } as const;
const VERSION = 0xa0;
const V3 = 2;
const ECDSA_WITH_SHA256 = '2a8648ce3d040302';
const COMMON_NAME = '550403';
/** Peers compare the fingerprint and no dates: always valid. RFC 5280 section 4.1.2.5 has the second for "no end". */
const VALIDITY = [der(DER.utcTime, Buffer.from('000101000000Z')), der(DER.time, Buffer.from('99991231235959Z'))];

export function createDtlsCertificate(): DtlsCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(DER.sequence, der(DER.objectId, Buffer.from(ECDSA_WITH_SHA256, 'hex')));
  const commonName = [der(DER.objectId, Buffer.from(COMMON_NAME, 'hex')), der(DER.utf8, Buffer.from('WebRTC'))];
  const name = der(DER.sequence, der(DER.set, der(DER.sequence, ...commonName)));
  const serial = randomBytes(8);
  // Positive, and in its shortest form.
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  const content = der(
    DER.sequence,
    der(VERSION, der(DER.integer, Buffer.of(V3))),
    der(DER.integer, serial),
    algorithm,
    name,
    der(DER.sequence, ...VALIDITY),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', content, privateKey)]);
  const whole = der(DER.sequence, content, algorithm, der(DER.bitString, signature));
  return { der: whole, privateKey, fingerprint: `sha-256 ${fingerprintOf(whole, 'sha-256')}` };
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), body]);
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
