/** Cross-checked against werift's own SRTP receiver: what we protect, it opens. */
import { randomBytes } from 'node:crypto';
import { RtpPacket, SrtpSession } from 'werift';
import { describe, expect, it } from 'vitest';
import type { NegotiatedVideo } from '../../../../src/transport/media-path.ts';
import { SrtcpSession } from '../../../../src/transport/peer/srtp/srtcp-session.ts';
import {
  MASTER_SALT_BYTES,
  SRTP_PROFILE,
  type SrtpMasterKeys,
  type SrtpProfile,
} from '../../../../src/transport/peer/srtp/srtp-keys.ts';
import { SrtpSender } from '../../../../src/transport/peer/srtp/srtp-sender.ts';
import { clockAt } from '../../../support/clock-at.ts';

const VIDEO: NegotiatedVideo = {
  codec: 'VP8',
  payloadType: 96,
  ssrc: 0xdead_beef,
  rtx: { payloadType: 97, ssrc: 0xdead_bef0 },
  mid: 'v0',
  clockRateHz: 90_000,
  extensions: { mid: 9, transportWideCc: 4, absSendTime: 2, playoutDelay: 5 },
  feedback: { nack: true, pli: true, fir: true, transportCc: true, remb: true },
};

const WALL_MS = 1_700_000_000_250;
const PROFILES = Object.entries(SRTP_PROFILE);

function masterKeys(profile: SrtpProfile): SrtpMasterKeys {
  const saltBytes = MASTER_SALT_BYTES[profile];
  return {
    profile,
    localKey: randomBytes(16),
    localSalt: randomBytes(saltBytes),
    remoteKey: randomBytes(16),
    remoteSalt: randomBytes(saltBytes),
  };
}

/** The other end: local and remote swapped. */
function mirrored({ profile, localKey, localSalt, remoteKey, remoteSalt }: SrtpMasterKeys): SrtpMasterKeys {
  return { profile, localKey: remoteKey, localSalt: remoteSalt, remoteKey: localKey, remoteSalt: localSalt };
}

function setUp(profile: SrtpProfile, video: NegotiatedVideo = VIDEO, firstTransportSequence = 0) {
  const keys = masterKeys(profile);
  const datagrams: Buffer[] = [];
  const path = { open: true };
  const sender = new SrtpSender({
    video,
    keys,
    srtcp: new SrtcpSession(keys),
    clock: clockAt(
      () => 0,
      () => WALL_MS,
    ),
    canSend: () => path.open,
    send: (datagram) => datagrams.push(datagram),
    firstTransportSequence,
  });
  const receiver = new SrtpSession({
    profile,
    keys: {
      localMasterKey: keys.remoteKey,
      localMasterSalt: keys.remoteSalt,
      remoteMasterKey: keys.localKey,
      remoteMasterSalt: keys.localSalt,
    },
  });
  const send = (
    sequenceNumber: number,
    ssrc = VIDEO.ssrc,
    payload: Uint8Array = Buffer.from([sequenceNumber & 0xff]),
  ) => sender.sendRtp({ ssrc, payloadType: 96, sequenceNumber, rtpTimestamp: 0xffff_ffff, marker: true, payload });
  return {
    keys,
    sender,
    datagrams,
    path,
    send,
    open: (datagram: Buffer) => RtpPacket.deSerialize(receiver.decrypt(datagram)),
  };
}

describe.each(PROFILES)('SRTP with %s', (_name, profile) => {
  it('opens at the receiver, byte for byte, with its header extensions', () => {
    const { send, datagrams, open } = setUp(profile);
    const payload = randomBytes(1_100);
    expect(send(7, VIDEO.ssrc, payload)).toEqual({ transportSequence: 0, sizeBytes: datagrams[0]!.length });
    const { header, payload: opened } = open(datagrams[0]!);
    expect(opened).toEqual(payload);
    expect(header).toMatchObject({ ssrc: VIDEO.ssrc, payloadType: 96, marker: true, timestamp: 0xffff_ffff });
    const extensions = new Map(header.extensions.map((extension) => [extension.id, extension.payload.toString('hex')]));
    expect(extensions.get(9)).toBe(Buffer.from('v0').toString('hex'));
    expect(extensions.get(4)).toBe('0000');
    expect(extensions.get(5)).toBe('000000');
    const seconds = (WALL_MS / 1000) % 64;
    expect(Number.parseInt(extensions.get(2)!, 16)).toBe(Math.floor(seconds * 2 ** 18));
  });

  it('keeps a rollover counter per SSRC across wraps, reordering and gaps', () => {
    const { send, datagrams, open } = setUp(profile);
    const sequences = [65_500, 65_534, 65_533, 1, 65_535, 0, 2, 30_000, 60_000, 65_530, 5, 4];
    for (const [index, sequence] of sequences.entries()) {
      send(sequence);
      send(index, VIDEO.rtx!.ssrc);
    }
    for (const [index, sequence] of sequences.entries()) {
      expect(open(datagrams[index * 2]!).header.sequenceNumber).toBe(sequence);
      expect(open(datagrams[index * 2 + 1]!).header.ssrc).toBe(VIDEO.rtx!.ssrc);
    }
  });

  it('counts transport-wide over both streams, with the low 16 bits on the wire', () => {
    const { send, datagrams, open } = setUp(profile, VIDEO, 65_534);
    const sent = [send(0), send(0, VIDEO.rtx!.ssrc), send(1), send(1, VIDEO.rtx!.ssrc)];
    expect(sent.map((packet) => packet?.transportSequence)).toEqual([65_534, 65_535, 65_536, 65_537]);
    const onTheWire = datagrams.map((datagram) => {
      const { header } = open(datagram);
      return header.extensions.find(({ id }) => id === 4)?.payload.toString('hex');
    });
    expect(onTheWire).toEqual(['fffe', 'ffff', '0000', '0001']);
  });
});

describe('the sender', () => {
  it('never protects two packets under one nonce', () => {
    const { send } = setUp(SRTP_PROFILE.aeadAes128Gcm);
    send(10);
    send(12);
    send(11);
    expect(() => send(11)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    expect(() => send(10)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    expect(() => send(1, 0x1234)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('consumes nothing while there is no path', () => {
    const { send, path, datagrams } = setUp(SRTP_PROFILE.aeadAes128Gcm);
    path.open = false;
    expect(send(1)).toBeUndefined();
    path.open = true;
    expect(send(1)?.transportSequence).toBe(0);
    expect(datagrams).toHaveLength(1);
  });

  it('writes a bare header when nothing was negotiated', () => {
    const { send, datagrams, open } = setUp(SRTP_PROFILE.aeadAes128Gcm, { ...VIDEO, extensions: {}, rtx: undefined });
    send(1);
    expect(datagrams[0]).toHaveLength(12 + 1 + 16);
    expect(open(datagrams[0]!).header.extension).toBe(false);
  });
});

describe.each(PROFILES)('SRTCP with %s', (_name, profile) => {
  const report = Buffer.from('80c9000100000001', 'hex');
  const pli = Buffer.from('81ce0002000000010000000f', 'hex');

  it('opens once; replays and forgeries never', () => {
    const keys = masterKeys(profile);
    const [ours, theirs] = [new SrtcpSession(keys), new SrtcpSession(mirrored(keys))];
    const datagrams = [report, pli, report].map((compound) => theirs.protect(compound));
    // Out of order, as networks do.
    for (const index of [1, 0, 2]) expect(ours.unprotect(datagrams[index]!)).toEqual([report, pli, report][index]);
    for (const datagram of datagrams) expect(ours.unprotect(datagram)).toBeUndefined();
    const fresh = theirs.protect(pli);
    for (let at = 0; at < fresh.length; at += 1) {
      const tampered = Buffer.from(fresh);
      tampered[at]! ^= 0x10;
      expect(ours.unprotect(tampered)).toBeUndefined();
      expect(ours.unprotect(fresh.subarray(0, at))).toBeUndefined();
    }
    expect(ours.unprotect(fresh)).toEqual(pli);
  });
});
