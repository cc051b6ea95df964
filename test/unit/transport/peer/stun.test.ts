import { parseMessage } from 'werift';
import { describe, expect, it } from 'vitest';
import {
  hasIntegrity,
  isStun,
  readBindingRequest,
  writeBindingRequest,
  writeBindingSuccess,
  writeRoleConflict,
} from '../../../../src/transport/peer/ice/stun.ts';

/** RFC 5769 section 2.1. */
const SAMPLE = Buffer.from(
  '000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b1' +
    '51263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf',
  'hex',
);
const SAMPLE_PASSWORD = 'VOkJxbRl1RmTxUk/WvJxBt';
const transactionId = Buffer.from('0102030405060708090a0b0c', 'hex');

describe('a binding request', () => {
  it('of RFC 5769 is read and its integrity holds', () => {
    const request = readBindingRequest(SAMPLE)!;
    expect(request).toMatchObject({ localUfrag: 'evtj', remoteUfrag: 'h6vY', controlled: true, useCandidate: false });
    expect(hasIntegrity(SAMPLE, request, SAMPLE_PASSWORD)).toBe(true);
    expect(hasIntegrity(SAMPLE, request, `${SAMPLE_PASSWORD}x`)).toBe(false);
  });

  it('loses its integrity with any changed byte before it', () => {
    const { integrityOffset } = readBindingRequest(SAMPLE)!;
    for (let at = 0; at < integrityOffset!; at += 1) {
      const tampered = Buffer.from(SAMPLE);
      tampered[at]! ^= 1;
      const request = readBindingRequest(tampered);
      expect(request !== undefined && hasIntegrity(tampered, request, SAMPLE_PASSWORD)).toBe(false);
    }
  });

  it('cannot smuggle USE-CANDIDATE behind its integrity', () => {
    const honest = writeBindingRequest({ transactionId, username: 'a:b', password: 'pw', useCandidate: false });
    const smuggled = Buffer.concat([honest, Buffer.from('00250000', 'hex')]);
    smuggled.writeUInt16BE(smuggled.length - 20, 2);
    const request = readBindingRequest(smuggled)!;
    expect(hasIntegrity(smuggled, request, 'pw')).toBe(true);
    expect(request.useCandidate).toBe(false);
  });

  it('is nothing when truncated or padded', () => {
    for (let length = 0; length < SAMPLE.length; length += 1) {
      expect(readBindingRequest(SAMPLE.subarray(0, length))).toBeUndefined();
    }
    expect(isStun(Buffer.concat([SAMPLE, Buffer.alloc(1)]))).toBe(false);
  });

  it('of ours is read back and understood by another implementation', () => {
    const datagram = writeBindingRequest({
      transactionId,
      username: 'local:remote',
      password: 'pw',
      useCandidate: true,
    });
    const request = readBindingRequest(datagram)!;
    expect(request).toMatchObject({
      localUfrag: 'local',
      remoteUfrag: 'remote',
      useCandidate: true,
      controlled: false,
    });
    expect(request.transactionId).toEqual(transactionId);
    expect(hasIntegrity(datagram, request, 'pw')).toBe(true);
    expect(parseMessage(datagram, Buffer.from('pw'))?.getAttributeValue('USERNAME')).toBe('local:remote');
  });
});

/** One spelling for each address. */
const normalise = (text: string): string =>
  new URL(`http://[${text.includes(':') ? text : `::ffff:${text}`}]/`).hostname;

describe('a binding response', () => {
  it.each([
    ['192.0.2.1', 32_853],
    ['2001:db8:1234:5678:11:2233:4455:6677', 32_853],
    ['::1', 9],
  ])('tells %s its own address', (address, port) => {
    const parsed = parseMessage(writeBindingSuccess(transactionId, { address, port }, 'pw'), Buffer.from('pw'));
    const [mapped, mappedPort] = parsed!.getAttributeValue('XOR-MAPPED-ADDRESS') as [string, number];
    expect(normalise(mapped)).toBe(normalise(address));
    expect(mappedPort).toBe(port);
  });

  it('to a controlled agent is 487', () => {
    const parsed = parseMessage(writeRoleConflict(transactionId, 'pw'), Buffer.from('pw'));
    expect(parsed!.getAttributeValue('ERROR-CODE')).toEqual([487, 'Role Conflict']);
  });
});
