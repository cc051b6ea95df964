import { describe, expect, it } from 'vitest';
import { IceLite } from '../../../../src/transport/peer/ice-lite.ts';
import type { BindingRequest, RemoteAddress } from '../../../../src/transport/peer/stun.ts';

const WIFI: RemoteAddress = { address: '192.0.2.1', port: 1 };
const CABLE: RemoteAddress = { address: '192.0.2.2', port: 2 };

function setUp() {
  const claims = new Set<string>();
  const sent: { type: number; to: RemoteAddress }[] = [];
  const mux = {
    claim: (ufrag: string) => void claims.add(ufrag),
    release: (ufrag: string) => void claims.delete(ufrag),
    send: (datagram: Buffer, to: RemoteAddress) => void sent.push({ type: datagram.readUInt16BE(0), to }),
  };
  const ice = new IceLite(mux, { onCheck: () => {}, onDatagram: () => {} });
  const check = (from: RemoteAddress, fields: Partial<BindingRequest> = {}): boolean =>
    ice.check(
      {
        transactionId: Buffer.alloc(12),
        localUfrag: ice.local.ufrag,
        remoteUfrag: 'them',
        useCandidate: false,
        controlled: false,
        integrityOffset: 20,
        ...fields,
      },
      from,
      1,
    );
  return { ice, claims, sent, check };
}

describe('an ICE-lite agent', () => {
  it('follows nomination, and before it whoever checked last', () => {
    const { ice, check, sent } = setUp();
    ice.begin('them', 'password');
    expect(ice.remote).toBeUndefined();
    check(WIFI);
    expect(ice.remote).toEqual(WIFI);
    check(CABLE, { useCandidate: true });
    check(WIFI);
    expect(ice.remote).toEqual(CABLE);
    check(WIFI, { useCandidate: true });
    expect(ice.remote).toEqual(WIFI);
    expect(sent.map(({ type }) => type)).toEqual([0x0101, 0x0101, 0x0101, 0x0101]);
  });

  it('keeps the old pair through a restart until the new one is nominated', () => {
    const { ice, check, claims } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { useCandidate: true });
    const old = ice.local.ufrag;
    expect(ice.begin('them', 'password')).toBe(false);
    expect(ice.begin('again', 'password')).toBe(true);
    expect(claims.size).toBe(2);
    check(CABLE, { remoteUfrag: 'again' });
    expect(ice.remote).toEqual(WIFI);
    expect(check(WIFI, { localUfrag: old })).toBe(true);
    check(CABLE, { remoteUfrag: 'again', useCandidate: true });
    expect(ice.remote).toEqual(CABLE);
    expect([...claims]).toEqual([ice.local.ufrag]);
    expect(check(WIFI, { localUfrag: old, useCandidate: true })).toBe(false);
    expect(ice.remote).toEqual(CABLE);
  });

  it('holds two generations at most, however often the client restarts', () => {
    const { ice, check, claims } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { useCandidate: true });
    for (let restart = 0; restart < 50; restart += 1) ice.begin(`restart${restart}`, 'password');
    expect(claims.size).toBe(2);
  });

  it('answers a controlled client with a role conflict and does not count it as consent', () => {
    const { ice, check, sent } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { controlled: true, useCandidate: true });
    expect(sent).toEqual([{ type: 0x0111, to: WIFI }]);
    expect(ice.lastCheckUs).toBe(0);
    expect(ice.remote).toBeUndefined();
  });

  it('ignores a check that names another client', () => {
    const { ice, check, sent } = setUp();
    ice.begin('them', 'password');
    expect(check(WIFI, { remoteUfrag: 'other', useCandidate: true })).toBe(false);
    expect(sent).toEqual([]);
  });

  it('writes credentials in ice-char, long enough', () => {
    const { ice } = setUp();
    for (let generation = 0; generation < 50; generation += 1) {
      ice.begin(`g${generation}`, 'password');
      expect(ice.local.ufrag).toMatch(/^[A-Za-z0-9+/]{8}$/);
      expect(ice.local.password).toMatch(/^[A-Za-z0-9+/]{24}$/);
    }
  });
});
