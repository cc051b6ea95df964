/** Writes the bodies of our handshake messages (RFC 5246 section 7.4, RFC 8422 section 5). Pure. */
import { uint, vector } from './byte-reader.ts';
import { EXTENSION, SIGNATURE_SCHEMES, type ClientHello } from './client-messages.ts';
import type { KeyShare } from './key-share.ts';
import { DTLS_1_2 } from './records.ts';

/** TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, which every WebRTC client must have (RFC 8827 section 6.5). */
export const CIPHER_SUITE = 0xc02b;
/** ecdsa_secp256r1_sha256, what our certificate signs with. */
export const OWN_SCHEME = 0x0403;
/** TLS_EMPTY_RENEGOTIATION_INFO_SCSV: stands for the extension (RFC 5746 section 3.3); OpenSSL sends it. */
const RENEGOTIATION_SIGNAL = 0x00ff;
const NO_COMPRESSION = 0;
const CURVE_TYPE_NAMED = 3;
/** `ClientCertificateType`: ecdsa_sign, rsa_sign. */
const CERTIFICATE_TYPES = [64, 1];

/** Answers only extensions that the client sent. @param random 32 bytes */
export function serverHello({ extensions, cipherSuites }: ClientHello, random: Buffer, srtpProfile: number): Buffer {
  const answers: readonly [type: number, value: Buffer][] = [
    [EXTENSION.extendedMasterSecret, Buffer.alloc(0)],
    [EXTENSION.renegotiationInfo, vector(1)],
    [EXTENSION.ecPointFormats, vector(1, uint(1, 0))],
    [EXTENSION.useSrtp, Buffer.concat([vector(2, uint(2, srtpProfile)), vector(1)])],
  ];
  const signalled = cipherSuites.includes(RENEGOTIATION_SIGNAL) ? EXTENSION.renegotiationInfo : undefined;
  const sent = answers.filter(([type]) => extensions.has(type) || type === signalled);
  return Buffer.concat([
    uint(2, DTLS_1_2),
    random,
    vector(1),
    uint(2, CIPHER_SUITE),
    uint(1, NO_COMPRESSION),
    vector(2, ...sent.flatMap(([type, value]) => [uint(2, type), vector(2, value)])),
  ]);
}

export function certificate(der: Buffer): Buffer {
  return vector(3, vector(3, der));
}

/** What ServerKeyExchange says and its signature covers, after both randoms. */
export function keyParameters({ group, publicBytes }: Pick<KeyShare, 'group' | 'publicBytes'>): Buffer {
  return Buffer.concat([uint(1, CURVE_TYPE_NAMED), uint(2, group), vector(1, publicBytes)]);
}

export function serverKeyExchange(parameters: Buffer, signature: Buffer): Buffer {
  return Buffer.concat([parameters, uint(2, OWN_SCHEME), vector(2, signature)]);
}

/** Names no authorities: certificates are self-signed, and their fingerprint decides. */
export function certificateRequest(): Buffer {
  const schemes = uint(2, ...SIGNATURE_SCHEMES.keys());
  return Buffer.concat([vector(1, uint(1, ...CERTIFICATE_TYPES)), vector(2, schemes), vector(2)]);
}
