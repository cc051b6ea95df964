/** Hellos of browsers as they came over the wire, and certificates that a check must not spend time on. */
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { vector, uint } from '../../../../../src/transport/peer/dtls/byte-reader.ts';
import * as client from '../../../../../src/transport/peer/dtls/client-messages.ts';
import { provesPossession } from '../../../../../src/transport/peer/dtls/client-proof.ts';
import { createDtlsCertificate } from '../../../../../src/transport/peer/dtls/dtls-certificate.ts';
import { HANDSHAKE, writeMessage } from '../../../../../src/transport/peer/dtls/records.ts';
import { oddCertificate } from '../../../../support/odd-certificate.ts';
import { step } from '../../../../../src/transport/peer/dtls/server-handshake.ts';

const FIXTURES = join(import.meta.dirname, '../../../../fixtures');
const certificate = createDtlsCertificate();
const context = { certificate, fingerprints: [] };
const answerTo = (body: Buffer) =>
  step({ expects: 'clientHello' }, writeMessage(HANDSHAKE.clientHello, 0, body), context);

/** A hello that the server answers, as its parts. */
const parts = (
  change: Partial<Record<number, Buffer | undefined>> = {},
  suites = [0xc02b],
  version = 0xfefd,
): Buffer => {
  const extensions: Record<number, Buffer | undefined> = {
    [client.EXTENSION.supportedGroups]: vector(2, uint(2, 29)),
    [client.EXTENSION.signatureAlgorithms]: vector(2, uint(2, 0x0403)),
    [client.EXTENSION.useSrtp]: Buffer.concat([vector(2, uint(2, 7)), vector(1)]),
    [client.EXTENSION.extendedMasterSecret]: Buffer.alloc(0),
    ...change,
  };
  const written = Object.entries(extensions).flatMap(([type, value]) =>
    value === undefined ? [] : [uint(2, Number(type)), vector(2, value)],
  );
  return Buffer.concat([
    uint(2, version),
    Buffer.alloc(32, 1),
    vector(1),
    vector(1),
    vector(2, uint(2, ...suites)),
    vector(1, Buffer.of(0)),
    vector(2, ...written),
  ]);
};

describe('a ClientHello', () => {
  it.each(['chromium-156', 'firefox-153'])('of %s is read whole and answered', (name) => {
    const body = readFileSync(join(FIXTURES, 'client-hellos', `${name}.bin`));
    const hello = client.readClientHello(body)!;
    expect(hello.version).toBe(0xfefd);
    // Both offer 1.3 first and 1.2 beside it.
    expect(client.uintsOf(hello, client.EXTENSION.supportedVersions, 1)!.slice(0, 2)).toEqual([0xfefc, 0xfefd]);
    expect(client.uintsOf(hello, client.EXTENSION.supportedGroups)!.slice(0, 2)).toEqual([0x11ec, 29]);
    expect(client.srtpProfilesOf(hello)).toEqual(expect.arrayContaining([1, 7]));
    expect(answerTo(body)).toMatchObject({ state: { expects: 'certificate', srtpProfile: 7, share: { group: 29 } } });
  });

  it('is answered with P-256 when it names no groups', () => {
    const step = answerTo(parts({ [client.EXTENSION.supportedGroups]: undefined }));
    expect(step).toMatchObject({ state: { share: { group: 23 } } });
  });

  it.each<[string, Buffer, RegExp]>([
    ['of DTLS 1.0', parts({}, [0xc02b], 0xfeff), /1\.2/],
    ['of TLS', parts({}, [0xc02b], 0x0303), /1\.2/],
    ['that speaks only 1.3', parts({ [client.EXTENSION.supportedVersions]: vector(1, uint(2, 0xfefc)) }), /1\.2/],
    ['without the cipher suite', parts({}, [0x1301, 0xc02f]), /in common/],
    ['without ECDSA', parts({ [client.EXTENSION.signatureAlgorithms]: vector(2, uint(2, 0x0401)) }), /in common/],
    ['without our groups', parts({ [client.EXTENSION.supportedGroups]: vector(2, uint(2, 24)) }), /in common/],
    [
      'with groups that cannot be read',
      parts({ [client.EXTENSION.supportedGroups]: Buffer.of(0, 3, 0, 29, 0) }),
      /in common/,
    ],
    ['without SRTP', parts({ [client.EXTENSION.useSrtp]: undefined }), /in common/],
    [
      'without extended master secret',
      parts({ [client.EXTENSION.extendedMasterSecret]: undefined }),
      /extended master/,
    ],
    ['that renegotiates', parts({ [client.EXTENSION.renegotiationInfo]: vector(1, Buffer.alloc(12)) }), /renegotiates/],
    ['with bytes behind it', Buffer.concat([parts(), Buffer.of(0)]), /malformed/],
    ['cut short', parts().subarray(0, -1), /malformed/],
    ['without extensions', parts().subarray(0, 43), /in common|malformed/],
  ])('%s is refused', (_name, body, why) => {
    expect(answerTo(body)).toMatchObject({
      alert: expect.any(Number) as number,
      why: expect.stringMatching(why) as string,
    });
  });

  it('with an extension twice, or more than any client has, is malformed', () => {
    const twice = vector(2, ...[1, 1].flatMap((type) => [uint(2, type), vector(2)]));
    const many = vector(2, ...Array.from({ length: 65 }, (_, type) => Buffer.concat([uint(2, type), vector(2)])));
    const start = parts().subarray(0, 43);
    for (const extensions of [twice, many])
      expect(client.readClientHello(Buffer.concat([start, extensions]))).toBeUndefined();
  });
});

describe('a proof of possession', () => {
  const transcript = [Buffer.from('all'), Buffer.from('that was said')];

  it('holds for the right key, scheme and transcript, and for nothing else', () => {
    const bytes = sign('sha256', Buffer.concat(transcript), certificate.privateKey);
    expect(provesPossession({ scheme: 0x0403, bytes }, transcript, certificate.der)).toBe(true);
    expect(provesPossession({ scheme: 0x0401, bytes }, transcript, certificate.der)).toBe(false);
    expect(provesPossession({ scheme: 0x0203, bytes }, transcript, certificate.der)).toBe(false);
    expect(provesPossession({ scheme: 0x0403, bytes }, transcript.slice(1), certificate.der)).toBe(false);
    expect(provesPossession({ scheme: 0x0403, bytes }, transcript, createDtlsCertificate().der)).toBe(false);
    expect(provesPossession({ scheme: 0x0403, bytes: Buffer.alloc(0) }, transcript, certificate.der)).toBe(false);
    expect(provesPossession({ scheme: 0x0403, bytes }, transcript, Buffer.from('no certificate'))).toBe(false);
  });

  it('is accepted from P-384 and RSA too, and not computed for keys that no browser makes', () => {
    const keys = [
      [0x0403, generateKeyPairSync('ec', { namedCurve: 'P-384' }), true],
      [0x0403, generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), false],
      [0x0401, generateKeyPairSync('rsa', { modulusLength: 2048 }), true],
      [0x0401, generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 65_539 }), false],
    ] as const;
    for (const [scheme, { publicKey, privateKey }, expected] of keys) {
      const bytes = sign('sha256', Buffer.concat(transcript), privateKey);
      expect(provesPossession({ scheme, bytes }, transcript, oddCertificate(publicKey))).toBe(expected);
    }
  });
});

describe('our certificate', () => {
  it('is one that others can read: P-256, self-signed, valid for good', () => {
    const read = new X509Certificate(certificate.der);
    expect(read.subject).toBe('CN=WebRTC');
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
    expect(read.fingerprint256).toBe(certificate.fingerprint.slice('sha-256 '.length));
    expect(new Date(read.validTo).getFullYear()).toBe(9999);
  });

  it('has a serial number and a key of its own', () => {
    const others = Array.from({ length: 50 }, () => new X509Certificate(createDtlsCertificate().der));
    expect(new Set(others.map(({ serialNumber }) => serialNumber)).size).toBe(50);
  });
});
