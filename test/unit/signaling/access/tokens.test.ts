import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Access } from '../../../../signaling/access/access.ts';
import { tokenIdentity } from '../../../../signaling/access/identity.ts';
import { restingFetch } from '../../../../signaling/access/jwks-fetch.ts';
import { mintToken } from '../../../../signaling/access/mint.ts';
import { SingleUseTokens } from '../../../../signaling/access/single-use.ts';
import type { TokenClaims } from '../../../../signaling/access/token-claims.ts';
import { TokenVerifier } from '../../../../signaling/access/tokens.ts';
import { LIMITS } from '../../../../src/limits.ts';
import { AUDIENCE, SECRET, ed25519, hs256 } from '../../../support/tokens.ts';

let folder: string;
let key: Awaited<ReturnType<typeof ed25519>>;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-keys-'));
  key = await ed25519();
  file = join(folder, 'jwks.json');
  await writeFile(file, JSON.stringify(key.jwks));
});
afterAll(() => rm(folder, { recursive: true }));

const bySecret = () => TokenVerifier.create({ secret: SECRET, audience: AUDIENCE });
const byKeys = (jwks: string) => TokenVerifier.create({ jwks, audience: AUDIENCE });
const refused = { code: 'UNAUTHORIZED' };

describe('a token by a shared secret', () => {
  it('is read with its claims', async () => {
    const token = await hs256({ sub: 'anna', limits: { sessions: 2 } });
    expect(await (await bySecret()).verify(token)).toMatchObject({ sub: 'anna', limits: { sessions: 2 } });
  });

  it('is what `glimpse token` mints', async () => {
    const token = await mintToken({ secret: SECRET, audience: AUDIENCE, minutes: 1, subject: 'anna', once: true });
    expect(await (await bySecret()).verify(token)).toMatchObject({ sub: 'anna', once: true, jti: expect.any(String) });
  });

  it.each([
    ['expired', () => hs256({}, { expiresIn: -60 })],
    ['without an end', () => hs256({}, { expiresIn: undefined })],
    ['for another audience', () => hs256({}, { audience: 'other' })],
    ['by another secret', () => hs256({}, { secret: SECRET.replace('a', 'b') })],
    ['not yet valid', () => hs256({ nbf: Math.floor(Date.now() / 1000) + 60 })],
    ['with a claim of the wrong kind', () => hs256({ sub: 7 as unknown as string })],
    ['for one use without a jti', () => hs256({ once: true })],
    ['for one use with a life of years', () => hs256({ once: true, jti: 'x' }, { expiresIn: 10 ** 8 })],
    ['longer than the limit', () => hs256({ text: 'x'.repeat(5_000) })],
    ['that is none', async () => 'hello'],
    ['with the header {"alg":"none"}', async () => `eyJhbGciOiJub25lIn0.${btoa('{"sub":"anna"}')}.x`],
  ])('%s is refused', async (_, make) => {
    await expect((await bySecret()).verify(await make())).rejects.toMatchObject(refused);
  });

  it('must name the issuer where one is asked for', async () => {
    const verifier = await TokenVerifier.create({ secret: SECRET, audience: AUDIENCE, issuer: 'shop' });
    await expect(verifier.verify(await hs256())).rejects.toMatchObject(refused);
    await expect(verifier.verify(await hs256({ sub: 'a' }, { issuer: 'shop' }))).resolves.toMatchObject({ sub: 'a' });
  });

  it('is never quoted in the refusal', async () => {
    const token = await hs256({ sub: 'anna' }, { expiresIn: -60 });
    const error: unknown = await (await bySecret()).verify(token).catch((thrown: unknown) => thrown);
    for (const part of token.split('.')) expect(JSON.stringify(error)).not.toContain(part);
  });
});

describe('a token by a key set', () => {
  it('is checked against a file', async () => {
    const verifier = await byKeys(file);
    expect(await verifier.verify(await key.sign({ sub: 'anna' }))).toMatchObject({ sub: 'anna' });
    await expect(verifier.verify(await (await ed25519()).sign())).rejects.toMatchObject(refused);
    await expect(verifier.verify(await (await ed25519('two')).sign())).rejects.toMatchObject(refused);
  });

  it('is not fooled by the public key used as a secret', async () => {
    const verifier = await byKeys(file);
    const forged = await new SignJWT({ aud: AUDIENCE, exp: 2 ** 32 })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(Buffer.from(String(key.jwk.x)));
    await expect(verifier.verify(forged)).rejects.toMatchObject(refused);
  });

  it('is checked against a server, and AUTH_DOWN says that it is the server that fails', async () => {
    const server = createServer((_request, response) => response.end(JSON.stringify(key.jwks)));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    expect(await (await byKeys(url)).verify(await key.sign({ sub: 'anna' }))).toMatchObject({ sub: 'anna' });
    await new Promise((resolve) => server.close(resolve));
    await expect((await byKeys(url)).verify(await key.sign())).rejects.toMatchObject({
      code: 'AUTH_DOWN',
      status: 503,
    });
  });

  it.each([
    ['is down', 500, '{}'],
    ['answers with no keys', 200, '{}'],
    ['answers with no JSON', 200, 'hello'],
  ])('by a key nobody knows costs no request while the server of keys %s', async (_, status, body) => {
    let requests = 0;
    const server = createServer((_request, response) => {
      requests += 1;
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const verifier = await byKeys(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`);
    const forger = await ed25519('forged');
    for (let count = 0; count < 20; count++)
      await expect(verifier.verify(await forger.sign())).rejects.toMatchObject({ code: 'AUTH_DOWN' });
    expect(requests).toBe(1);
    await new Promise((resolve) => server.close(resolve));
  });

  it('is checked again once the server of keys has come back', async () => {
    let [now, up, asked] = [0, false, 0];
    const answer = async () => {
      asked += 1;
      return up ? new Response('{"keys":[]}') : new Response('', { status: 503 });
    };
    const get = restingFetch(answer, () => now);
    await expect(get('https://keys.example', {})).rejects.toThrow('503');
    up = true;
    await expect(get('https://keys.example', {})).rejects.toThrow('503');
    now += LIMITS.jwksRestMs;
    expect((await get('https://keys.example', {})).status).toBe(200);
    expect(asked).toBe(2);
  });

  it.each([
    ['keys over an open line', async () => 'http://keys.example/jwks'],
    ['a file that is not there', async () => join(folder, 'nothing.json')],
    [
      'private keys',
      async () => {
        const path = join(folder, 'private.json');
        await writeFile(path, JSON.stringify({ keys: [await exportJWK(key.privateKey)] }));
        return path;
      },
    ],
  ])('does not begin with %s', async (_, make) => {
    await expect(byKeys(await make())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('a token of an OpenID provider', () => {
  it('keeps its own `sid`, the login session, which is none of ours', async () => {
    const claims = await (await bySecret()).verify(await hs256({ sub: 'anna', sid: '8a1c2f1e-7f0e-4c57' }));
    const access = new Access();
    await access.checkAdmission(tokenIdentity('a.b.c', claims, '192.0.2.1'));
    access.close();
    expect(claims).not.toHaveProperty('sid');
  });
});

describe('another spelling of one token', () => {
  const keyOf = (token: string, claims: TokenClaims) => tokenIdentity(token, claims, '192.0.2.1').key;

  it('is the same user', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const path = join(folder, 'es256.json');
    await writeFile(path, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] }));
    const token = await new SignJWT({ aud: AUDIENCE, exp: 2 ** 32 })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(privateKey);
    // With (r, s) also (r, n - s) is a signature of the same text.
    const [head, body, signature = ''] = token.split('.');
    const bytes = Buffer.from(signature, 'base64url');
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const other = (order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0');
    const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from(other, 'hex')]).toString('base64url');
    const again = [head, body, twin].join('.');
    const verifier = await byKeys(path);
    const claims = await verifier.verify(again);
    expect(again).not.toBe(token);
    expect(keyOf(again, claims)).toBe(keyOf(token, await verifier.verify(token)));
  });

  it('is not the same user as another token', async () => {
    const claims = { exp: 1 };
    expect(keyOf('a.b.c', claims)).toBe(keyOf('a.b.d', claims));
    expect(keyOf('a.b.c', claims)).not.toBe(keyOf('a.x.c', claims));
  });
});

describe('single-use tokens', () => {
  it('count once, until they expire, and are not forgotten for want of room', () => {
    const used = new SingleUseTokens(2);
    used.use('a', 100);
    expect(() => used.use('a', 100)).toThrow(expect.objectContaining(refused));
    used.use('b', 200);
    expect(() => used.use('c', 300)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    used.forgetExpired(150);
    used.use('c', 300);
    expect(() => used.use('b', 200)).toThrow(expect.objectContaining(refused));
    used.giveBack('b');
    used.use('b', 200);
  });
});
