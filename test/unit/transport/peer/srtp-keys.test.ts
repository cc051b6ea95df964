import { expect, it } from 'vitest';
import { deriveRtpKeys } from '../../../../src/transport/peer/srtp/srtp-keys.ts';

it('derives the session keys of RFC 3711 appendix B.3', () => {
  const masterKey = Buffer.from('e1f97a0d3e018be0d64fa32c06de4139', 'hex');
  const masterSalt = Buffer.from('0ec675ad498afeebb6960b3aabe6', 'hex');
  const { cipherKey, salt, authKey } = deriveRtpKeys(masterKey, masterSalt);
  expect(cipherKey.toString('hex')).toBe('c61e7a93744f39ee10734afe3ff7a087');
  expect(salt.toString('hex')).toBe('30cbbc08863d8c85d49db34a9ae1');
  expect(authKey.toString('hex')).toBe('cebe321f6ff7716b6fd4ab49af256a156d38baa4');
});
