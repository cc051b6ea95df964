/** A certificate around any public key, with a signature of zeros: DTLS compares the fingerprint and never verifies it. */
import type { KeyObject } from 'node:crypto';

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const size = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), body]);
}

export function oddCertificate(publicKey: KeyObject): Buffer {
  const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex');
  const name = Buffer.from('3000', 'hex');
  const dates = ['000101000000Z', '491231235959Z'].map((date) => der(23, Buffer.from(date)));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const content = der(48, der(2, Buffer.of(1)), algorithm, name, der(48, ...dates), name, spki);
  return der(48, content, algorithm, der(3, Buffer.alloc(9)));
}
