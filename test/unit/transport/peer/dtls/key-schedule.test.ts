/** Published vectors for what a handshake computes, and points that must not be computed with. */
import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { prf } from '../../../../../src/transport/peer/dtls/key-schedule.ts';
import { createKeyShare, GROUP, sharedSecret } from '../../../../../src/transport/peer/dtls/key-share.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

describe('the pseudorandom function', () => {
  it('gives the 100 bytes of the vector for P_SHA256 of the IETF TLS list (2009)', () => {
    const out = prf(
      hex('9bbe436ba940f017b17652849a71db35'),
      'test label',
      hex('a0ba9f936cda311827a6f796ffd5198c'),
      100,
    );
    expect(out).toEqual(
      hex(`e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17
        abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66`),
    );
  });
});

describe('the shared secret', () => {
  it('of X25519 is that of RFC 7748 section 6.1', () => {
    const d = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    // PKCS #8 (RFC 8410 section 7) around the 32 bytes.
    const der = Buffer.concat([hex('302e020100300506032b656e04220420'), d]);
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const bob = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    expect(sharedSecret({ group: GROUP.x25519, privateKey, publicBytes: bob }, bob)).toEqual(
      hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'),
    );
  });

  it('of P-256 is that of RFC 5903 section 8.1', () => {
    const field = (text: string): string => hex(text).toString('base64url');
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      d: field('c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433'),
      x: field('dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180'),
      y: field('5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3'),
    };
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
    const remote = hex(`04 d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63
      56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab`);
    expect(sharedSecret({ group: GROUP.p256, privateKey, publicBytes: remote }, remote)).toEqual(
      hex('d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de'),
    );
  });

  it('is the same on both sides, for each group', () => {
    for (const group of Object.values(GROUP)) {
      const [a, b] = [createKeyShare(group), createKeyShare(group)];
      expect(sharedSecret(a, b.publicBytes)).toEqual(sharedSecret(b, a.publicBytes));
    }
  });

  it('is refused for points of small order, points off the curve, and what is no point', () => {
    const [x25519, p256] = [createKeyShare(GROUP.x25519), createKeyShare(GROUP.p256)];
    const small = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      `ecff${'ff'.repeat(29)}7f`,
    ];
    for (const point of small) expect(sharedSecret(x25519, hex(point))).toBeUndefined();
    const off = Buffer.from(p256.publicBytes);
    off[64]! ^= 1;
    const compressed = Buffer.concat([Buffer.of(2), p256.publicBytes.subarray(1, 33)]);
    for (const point of [off, compressed, Buffer.alloc(65), Buffer.alloc(65, 4), Buffer.of(0), Buffer.alloc(0)])
      expect(sharedSecret(p256, point)).toBeUndefined();
    for (const bytes of [0, 31, 33, 65]) expect(sharedSecret(x25519, Buffer.alloc(bytes, 9))).toBeUndefined();
  });
});
