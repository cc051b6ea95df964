import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT, exportJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintToken } from '../../../../signaling/access/mint.ts';
import { SingleUseTokens } from '../../../../signaling/access/single-use.ts';
import { TokenVerifier } from '../../../../signaling/access/tokens.ts';
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
