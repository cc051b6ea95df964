/**
 * Derives SRTP session keys from DTLS master keys (RFC 3711 section 4.3, RFC 5764). Pure. Two profiles: AES-GCM (RFC
 * 7714), which current browsers support, and AES-CM with HMAC-SHA1, which every client must offer (RFC 8827 section
 * 6.5).
 */
import { createCipheriv } from 'node:crypto';

/** DTLS-SRTP protection profiles (RFC 5764 section 4.1.2, RFC 7714 section 14.2). */
export const SRTP_PROFILE = { aes128CmHmacSha1_80: 0x0001, aeadAes128Gcm: 0x0007 } as const;
export type SrtpProfile = (typeof SRTP_PROFILE)[keyof typeof SRTP_PROFILE];

/** Preferred first: GCM needs one pass over the packet instead of two. */
export const SRTP_PROFILES: readonly SrtpProfile[] = [SRTP_PROFILE.aeadAes128Gcm, SRTP_PROFILE.aes128CmHmacSha1_80];

export const MASTER_SALT_BYTES: Readonly<Record<SrtpProfile, number>> = {
  [SRTP_PROFILE.aes128CmHmacSha1_80]: 14,
  [SRTP_PROFILE.aeadAes128Gcm]: 12,
};

export interface SrtpMasterKeys {
  profile: SrtpProfile;
  localKey: Buffer;
  localSalt: Buffer;
  remoteKey: Buffer;
  remoteSalt: Buffer;
}

export interface SrtpSessionKeys {
  /** 16 bytes. */
  cipherKey: Buffer;
  /** 14 bytes; AES-GCM uses the first 12. */
  salt: Buffer;
  /** 20 bytes; only AES-CM uses it. */
  authKey: Buffer;
}

const LABEL = { cipherKey: 0, authKey: 1, salt: 2 } as const;
const SALT_BYTES = 14;

/** RTP keys for one direction; the key derivation rate is zero, so they last for the session. */
export function deriveRtpKeys(masterKey: Buffer, masterSalt: Buffer): SrtpSessionKeys {
  const salt = Buffer.alloc(SALT_BYTES);
  masterSalt.copy(salt);
  return {
    cipherKey: derive(masterKey, salt, LABEL.cipherKey, 16),
    authKey: derive(masterKey, salt, LABEL.authKey, 20),
    salt: derive(masterKey, salt, LABEL.salt, SALT_BYTES),
  };
}

/** The AES-CM pseudorandom function (RFC 3711 section 4.3.3): counter mode from (salt XOR label) × 2^16. */
function derive(masterKey: Buffer, salt: Buffer, label: number, bytes: number): Buffer {
  const counter = Buffer.alloc(16);
  salt.copy(counter);
  // `label` comes above the 48-bit index, which is zero: byte 7 of the 14.
  counter[7]! ^= label;
  return createCipheriv('aes-128-ctr', masterKey, counter).update(Buffer.alloc(bytes));
}
