/** Cross-checked against werift's SRTP: what it protects, we open, once, and nothing else. */
import { randomBytes } from 'node:crypto';
import { RtpPacket, SrtpSession } from 'werift';
import { describe, expect, it } from 'vitest';
import {
  MASTER_SALT_BYTES,
  SRTP_PROFILE,
  type SrtpMasterKeys,
  type SrtpProfile,
} from '../../../../src/transport/peer/srtp/srtp-keys.ts';
import { SrtpReceiver } from '../../../../src/transport/peer/srtp/srtp-receiver.ts';
import { buildRtp } from '../../../support/rtp-builder.ts';

function setUp(profile: SrtpProfile) {
  const saltBytes = MASTER_SALT_BYTES[profile];
  const keys: SrtpMasterKeys = {
    profile,
    localKey: randomBytes(16),
    localSalt: randomBytes(saltBytes),
    remoteKey: randomBytes(16),
    remoteSalt: randomBytes(saltBytes),
  };
  const sender = new SrtpSession({
    profile,
    keys: {
      localMasterKey: keys.remoteKey,
      localMasterSalt: keys.remoteSalt,
      remoteMasterKey: keys.localKey,
      remoteMasterSalt: keys.localSalt,
    },
  });
  const protect = (sequenceNumber: number, ssrc = 1): Buffer => {
    const packet = RtpPacket.deSerialize(
      buildRtp({ sequenceNumber, ssrc, extensions: [[4, Buffer.of(1, 2)]], payload: Buffer.of(ssrc & 0xff, 7) }),
    );
    return sender.encrypt(packet.payload, packet.header);
  };
  return { receiver: new SrtpReceiver(keys), protect };
}

describe.each(Object.entries(SRTP_PROFILE))('inbound SRTP with %s', (_name, profile) => {
  it('is opened, header and all, across the wrap of the sequence number', () => {
    const { receiver, protect } = setUp(profile);
    for (const sequenceNumber of [65_533, 65_534, 65_535, 0, 1, 2]) {
      const payload = Buffer.of(1, 7);
      const expected = buildRtp({ sequenceNumber, extensions: [[4, Buffer.of(1, 2)]], payload });
      expect(receiver.unprotect(protect(sequenceNumber))?.equals(expected)).toBe(true);
    }
  });

  it('is taken in any order within the window, and once', () => {
    const { receiver, protect } = setUp(profile);
    const datagrams = [10, 500, 11, 12].map((sequence) => protect(sequence));
    expect(datagrams.map((datagram) => receiver.unprotect(datagram) !== undefined)).toEqual([true, true, true, true]);
    expect(datagrams.map((datagram) => receiver.unprotect(datagram))).toEqual(datagrams.map(() => undefined));
  });

  it('is refused when it is too old, forged, cut short or no RTP', () => {
    const { receiver, protect } = setUp(profile);
    const old = protect(100);
    expect(receiver.unprotect(protect(3_000))).toBeDefined();
    expect(receiver.unprotect(old)).toBeUndefined();
    const good = protect(3_001);
    for (const at of [2, 5, 13, 20, good.length - 1]) {
      const forged = Buffer.from(good);
      forged[at]! ^= 1;
      expect(receiver.unprotect(forged)).toBeUndefined();
    }
    for (let length = 0; length < good.length; length++)
      expect(receiver.unprotect(good.subarray(0, length))).toBeUndefined();
    expect(receiver.unprotect(good)).toBeDefined();
  });

  it('keeps state for few sources, and for none that is not authentic', () => {
    const { receiver, protect } = setUp(profile);
    for (let ssrc = 1_000; ssrc < 1_100; ssrc++) {
      const forged = protect(1, ssrc);
      forged[forged.length - 1]! ^= 1;
      expect(receiver.unprotect(forged)).toBeUndefined();
    }
    const opened = Array.from({ length: 40 }, (_, index) => receiver.unprotect(protect(1, 2_000 + index)));
    expect(opened.filter((packet) => packet !== undefined)).toHaveLength(16);
  });
});
