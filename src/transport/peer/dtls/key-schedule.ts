/**
 * The secrets of a connection with TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: TLS 1.2's pseudorandom function (RFC 5246
 * section 5), extended master secret (RFC 7627), record keys (RFC 5288) and SRTP keys (RFC 5764 section 4.2).
 */
import { createHash, createHmac } from 'node:crypto';
import { MASTER_SALT_BYTES, type SrtpProfile } from '../srtp/srtp-keys.ts';
import { ByteReader } from './byte-reader.ts';

export interface DirectionKeys {
  key: Buffer;
  salt: Buffer;
}

/** What each side writes with. */
export interface KeyPair {
  client: DirectionKeys;
  server: DirectionKeys;
}

/** 32 bytes each. */
export interface Randoms {
  client: Buffer;
  server: Buffer;
}

const HASH_BYTES = 32;
const MASTER_SECRET_BYTES = 48;
const VERIFY_DATA_BYTES = 12;
const AES_128_KEY_BYTES = 16;
const GCM_SALT_BYTES = 4;

/** P_SHA256(secret, label + seed). */
export function prf(secret: Buffer, label: string, seed: Buffer, bytes: number): Buffer {
  const hmac = (data: Buffer): Buffer => createHmac('sha256', secret).update(data).digest();
  const labelled = Buffer.concat([Buffer.from(label), seed]);
  let chain: Buffer = labelled;
  const blocks: Buffer[] = [];
  for (let size = 0; size < bytes; size += HASH_BYTES) {
    chain = hmac(chain);
    blocks.push(hmac(Buffer.concat([chain, labelled])));
  }
  return Buffer.concat(blocks).subarray(0, bytes);
}

/** @param transcript the messages from ClientHello to ClientKeyExchange */
export function masterSecretOf(premasterSecret: Buffer, transcript: readonly Buffer[]): Buffer {
  return prf(premasterSecret, 'extended master secret', hashOf(transcript), MASTER_SECRET_BYTES);
}

export function recordKeys(masterSecret: Buffer, { client, server }: Randoms): KeyPair {
  const seed = Buffer.concat([server, client]);
  return splitKeys(masterSecret, 'key expansion', seed, [AES_128_KEY_BYTES, GCM_SALT_BYTES]);
}

export function srtpMasterKeys(masterSecret: Buffer, { client, server }: Randoms, profile: SrtpProfile): KeyPair {
  const seed = Buffer.concat([client, server]);
  return splitKeys(masterSecret, 'EXTRACTOR-dtls_srtp', seed, [AES_128_KEY_BYTES, MASTER_SALT_BYTES[profile]]);
}

/** @param transcript every message before this Finished */
export function verifyData(who: 'client' | 'server', masterSecret: Buffer, transcript: readonly Buffer[]): Buffer {
  return prf(masterSecret, `${who} finished`, hashOf(transcript), VERIFY_DATA_BYTES);
}

/** Both orders are: keys of client and server, then salts. */
function splitKeys(
  secret: Buffer,
  label: string,
  seed: Buffer,
  [keyBytes, saltBytes]: readonly [number, number],
): KeyPair {
  const block = new ByteReader(prf(secret, label, seed, 2 * (keyBytes + saltBytes)));
  const [clientKey, serverKey] = [block.bytes(keyBytes), block.bytes(keyBytes)];
  const [clientSalt, serverSalt] = [block.bytes(saltBytes), block.bytes(saltBytes)];
  return { client: { key: clientKey, salt: clientSalt }, server: { key: serverKey, salt: serverSalt } };
}

function hashOf(transcript: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const message of transcript) hash.update(message);
  return hash.digest();
}
