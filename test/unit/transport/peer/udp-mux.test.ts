import { createSocket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { FirstFailures } from '../../../../src/transport/peer/ice/first-failures.ts';
import { writeBindingRequest } from '../../../../src/transport/peer/ice/stun.ts';
import { UdpMux, type MuxEndpoint } from '../../../../src/transport/peer/ice/udp-mux.ts';
import { until } from '../../../support/werift-client.ts';

const PASSWORD = 'passwordpasswordpassword';

const checkOf = (ufrag: string): Buffer =>
  writeBindingRequest({
    transactionId: Buffer.alloc(12, 1),
    username: `${ufrag}:theirs`,
    password: PASSWORD,
    useCandidate: false,
  });

describe('UdpMux', () => {
  it('counts every exception a datagram causes, and reports the first of each kind', async () => {
    const failures: unknown[] = [];
    const mux = await UdpMux.bind('127.0.0.1', 0, { onFailure: (error) => failures.push(error) });
    const client = createSocket('udp4');
    const bug = (): never => {
      throw new TypeError('a bug');
    };
    mux.claim('ours', PASSWORD, { onCheck: bug, onDatagram: () => {}, onAnswer: () => {} });
    try {
      for (let times = 0; times < 3; times++) client.send(checkOf('ours'), mux.address.port, '127.0.0.1');
      await until(() => mux.dropped.receiveFailed === 3);
      expect(failures).toEqual([new TypeError('a bug')]);
    } finally {
      client.close();
      await mux.close();
    }
  });
});

describe('An address of the UdpMux', () => {
  const endpoint = (): MuxEndpoint & { heard: number } => ({
    heard: 0,
    onCheck: () => {},
    onAnswer: () => {},
    onDatagram() {
      this.heard += 1;
    },
  });

  it('that is proved for one peer is not taken by another one’s check, but by its proof', async () => {
    const mux = await UdpMux.bind('127.0.0.1', 0);
    const client = createSocket('udp4');
    await new Promise<void>((resolve) => void client.bind(0, '127.0.0.1', resolve));
    const from = { address: '127.0.0.1', port: client.address().port };
    const [victim, thief] = [endpoint(), endpoint()];
    const media = Buffer.from([128, 200]);
    const sent = async (): Promise<[number, number]> => {
      const before = victim.heard + thief.heard;
      client.send(media, mux.address.port, '127.0.0.1');
      await until(() => victim.heard + thief.heard > before);
      return [victim.heard, thief.heard];
    };
    try {
      mux.admit(from, victim);
      mux.admit(from, victim, true);
      mux.admit(from, thief);
      expect(await sent()).toEqual([1, 0]);
      mux.revoke(from, thief);
      expect(await sent()).toEqual([2, 0]);
      mux.admit(from, thief, true);
      expect(await sent()).toEqual([2, 1]);
      mux.forget(victim);
      expect(mux.addressCount).toBe(1);
      mux.forget(thief);
      expect(mux.addressCount).toBe(0);
    } finally {
      client.close();
      await mux.close();
    }
  });
});

describe('UdpMux for some addresses only', () => {
  it('reads nothing that others send, and counts it', async () => {
    const checks: unknown[] = [];
    let open = false;
    const mux = await UdpMux.bind('127.0.0.1', 0, { accepts: () => open });
    const client = createSocket('udp4');
    mux.claim('ours', PASSWORD, { onCheck: (check) => checks.push(check), onDatagram: () => {}, onAnswer: () => {} });
    try {
      client.send(checkOf('ours'), mux.address.port, '127.0.0.1');
      await until(() => mux.dropped.foreign === 1);
      expect([checks.length, mux.addressCount]).toEqual([0, 0]);
      open = true;
      client.send(checkOf('ours'), mux.address.port, '127.0.0.1');
      await until(() => checks.length === 1);
    } finally {
      client.close();
      await mux.close();
    }
  });
});

describe('FirstFailures', () => {
  it('tells kinds apart by type and place, not by message, and stops after 32', () => {
    const reported: unknown[] = [];
    const failures = new FirstFailures((error) => reported.push(error));
    for (const message of ['a', 'b']) failures.add(new RangeError(message));
    failures.add(new TypeError('c'));
    failures.add('thrown text');
    failures.add('other text');
    expect(reported).toHaveLength(3);
    for (let kind = 0; kind < 100; kind++) failures.add(Object.assign(new Error(), { name: `Kind${kind}` }));
    expect(reported).toHaveLength(32);
  });

  it('survives a hook that throws', () => {
    const failures = new FirstFailures(() => {
      throw new Error('no log');
    });
    expect(() => failures.add(new Error('a bug'))).not.toThrow();
  });
});
