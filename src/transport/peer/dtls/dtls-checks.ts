/**
 * The identity checks whose failure werift's DTLS server only logs: the client's certificate matches the fingerprint
 * from signaling (RFC 8827 section 6.5), the client owns the key (CertificateVerify, RFC 5246 section 7.4.8), and both
 * sides saw the same handshake (Finished, section 7.4.9). Without them an attacker with the public certificate could
 * connect.
 */
import { createHash, createHmac, timingSafeEqual, verify, X509Certificate } from 'node:crypto';

/** SignatureAndHashAlgorithm values our CertificateRequest offers, with the key type each needs. */
const SIGNATURE_SCHEMES: Readonly<Record<number, { hash: string; keyType: string }>> = {
  0x0403: { hash: 'sha256', keyType: 'ec' },
  0x0401: { hash: 'sha256', keyType: 'rsa' },
};
const VERIFY_DATA_BYTES = 12;

/**
 * @param body the CertificateVerify message without its header
 * @param transcript every handshake message before it
 */
export function provesPossession(body: Buffer, transcript: Buffer, certificateDer: Buffer): boolean {
  try {
    const scheme = SIGNATURE_SCHEMES[body.readUInt16BE(0)];
    const signature = body.subarray(4);
    if (scheme === undefined || signature.length !== body.readUInt16BE(2)) return false;
    const { publicKey } = new X509Certificate(certificateDer);
    return publicKey.asymmetricKeyType === scheme.keyType && verify(scheme.hash, transcript, publicKey, signature);
  } catch {
    // A certificate or signature that cannot be parsed is no proof.
    return false;
  }
}

/**
 * @param verifyData the client's Finished message without its header
 * @param transcript every handshake message before it
 */
export function provesTranscript(verifyData: Buffer, transcript: Buffer, masterSecret: Buffer): boolean {
  const seed = createHash('sha256').update(transcript).digest();
  const expected = prf(masterSecret, 'client finished', seed, VERIFY_DATA_BYTES);
  return verifyData.length === VERIFY_DATA_BYTES && timingSafeEqual(expected, verifyData);
}

/** TLS 1.2 pseudorandom function over SHA-256 (RFC 5246 section 5). */
export function prf(secret: Buffer, label: string, seed: Buffer, bytes: number): Buffer {
  const hmac = (data: Buffer): Buffer => createHmac('sha256', secret).update(data).digest();
  const labelled = Buffer.concat([Buffer.from(label), seed]);
  let chain: Buffer = labelled;
  const blocks: Buffer[] = [];
  for (let size = 0; size < bytes; size += 32) {
    chain = hmac(chain);
    blocks.push(hmac(Buffer.concat([chain, labelled])));
  }
  return Buffer.concat(blocks).subarray(0, bytes);
}
