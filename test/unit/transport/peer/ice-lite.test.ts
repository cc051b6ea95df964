import { describe, expect, it } from 'vitest';
import { IceLite, type IceMux } from '../../../../src/transport/peer/ice/ice-lite.ts';
import {
  addressKey,
  readBindingSuccess,
  writeBindingSuccess,
  type BindingRequest,
  type RemoteAddress,
} from '../../../../src/transport/peer/ice/stun.ts';

const WIFI: RemoteAddress = { address: '192.0.2.1', port: 1 };
const CABLE: RemoteAddress = { address: '192.0.2.2', port: 2 };
const REQUEST = 0x0001;
const SUCCESS = 0x0101;

function setUp() {
  const claims = new Set<string>();
  const admitted = new Map<string, boolean>();
  const expected = new Set<string>();
  const sent: { datagram: Buffer; type: number; to: RemoteAddress }[] = [];
  const dropped: string[] = [];
  const clock = { nowUs: 1 };
  const mux: IceMux = {
    claim: (ufrag) => void claims.add(ufrag),
    release: (ufrag) => void claims.delete(ufrag),
    send: (datagram, to) => void sent.push({ datagram, type: datagram.readUInt16BE(0), to }),
    admit: (from, _endpoint, proved) =>
      void admitted.set(addressKey(from), proved === true || admitted.get(addressKey(from)) === true),
    revoke: (from) => void admitted.delete(addressKey(from)),
    expect: (id, endpoint) => void (endpoint ? expected.add(id.toString('hex')) : expected.delete(id.toString('hex'))),
    drop: (reason) => void dropped.push(reason),
  };
  const ice = new IceLite(mux, { onCheck: () => {}, onDatagram: () => {}, onAnswer: () => {} });
  const check = (from: RemoteAddress, fields: Partial<BindingRequest> = {}): boolean => {
    clock.nowUs += 50_000;
    const request = { transactionId: Buffer.alloc(12), sizeBytes: 100, integrityOffset: 20, ...fields };
    const names = { localUfrag: ice.local.ufrag, remoteUfrag: 'them', useCandidate: false, controlled: false };
    return ice.check({ ...names, ...request }, from, clock.nowUs);
  };
  /** Answers the last check of ours to an address, from there or from elsewhere. */
  const answer = (to: RemoteAddress, { from = to, password = 'password' } = {}): boolean => {
    const request = sent.findLast((one) => one.type === REQUEST && one.to === to)!.datagram;
    const response = writeBindingSuccess(request.subarray(8, 20), to, password);
    return ice.onAnswer(response, readBindingSuccess(response)!, from, clock.nowUs);
  };
  const bytesTo = (to: RemoteAddress): number =>
    sent.reduce((sum, one) => sum + (one.to === to ? one.datagram.length : 0), 0);
  return { ice, claims, admitted, expected, sent, dropped, clock, check, answer, bytesTo };
}

describe('an ICE-lite agent', () => {
  it('follows nomination, and before it whoever checked last', () => {
    const { ice, check, answer, sent } = setUp();
    ice.begin('them', 'password');
    expect(ice.remote).toBeUndefined();
    check(WIFI);
    expect(ice.remote).toEqual(WIFI);
    answer(WIFI);
    check(CABLE);
    answer(CABLE);
    check(CABLE, { useCandidate: true });
    check(WIFI);
    expect(ice.remote).toEqual(CABLE);
    check(WIFI, { useCandidate: true });
    expect(ice.remote).toEqual(WIFI);
    // The first check from each address is answered after a check of ours.
    expect(sent.map(({ type }) => type)).toEqual([REQUEST, SUCCESS, REQUEST, SUCCESS, SUCCESS, SUCCESS, SUCCESS]);
  });

  it('keeps the old pair through a restart until the new one is nominated and proved', () => {
    const { ice, check, answer, claims } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { useCandidate: true });
    answer(WIFI);
    const old = ice.local.ufrag;
    expect(ice.begin('them', 'password')).toBe(false);
    expect(ice.begin('again', 'password')).toBe(true);
    expect(claims.size).toBe(2);
    check(CABLE, { remoteUfrag: 'again' });
    expect(ice.remote).toEqual(WIFI);
    expect(check(WIFI, { localUfrag: old })).toBe(true);
    check(CABLE, { remoteUfrag: 'again', useCandidate: true });
    expect(ice.remote).toEqual(WIFI);
    answer(CABLE);
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
    expect(sent.map(({ type, to }) => [type, to])).toEqual([[0x0111, WIFI]]);
    expect(ice.heardUs).toBeUndefined();
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

describe('an address that a check names', () => {
  it('gets three times what came from it until it answers, however often it is nominated', () => {
    const { ice, check, bytesTo, dropped } = setUp();
    ice.begin('them', 'password');
    for (let count = 0; count < 20; count++) {
      check(CABLE, { useCandidate: true, sizeBytes: 60 });
      for (let packet = 0; packet < 10; packet++) ice.send(Buffer.alloc(1_200));
    }
    expect(bytesTo(CABLE)).toBeLessThanOrEqual(3 * 20 * 60);
    expect(dropped).toContain('unproven');
  });

  it('does not get the media of an address that has answered', () => {
    const { ice, check, answer, bytesTo } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { useCandidate: true });
    answer(WIFI);
    const before = bytesTo(WIFI);
    check(CABLE, { useCandidate: true });
    for (let packet = 0; packet < 100; packet++) ice.send(Buffer.alloc(1_200));
    expect(bytesTo(WIFI) - before).toBe(100 * 1_200);
    expect(bytesTo(CABLE)).toBeLessThanOrEqual(300);
    answer(CABLE);
    ice.send(Buffer.alloc(1_200));
    expect(bytesTo(CABLE)).toBeGreaterThan(1_200);
  });

  it('is proved by nothing but the answer to our check, under the password, from there', () => {
    const { ice, check, answer } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { useCandidate: true });
    answer(WIFI);
    check(CABLE, { useCandidate: true });
    expect(answer(CABLE, { from: WIFI })).toBe(false);
    expect(answer(CABLE, { password: 'another' })).toBe(false);
    ice.onAuthentic(CABLE, 2);
    expect(ice.remote).toEqual(WIFI);
    expect(answer(CABLE)).toBe(true);
    expect(ice.remote).toEqual(CABLE);
    expect(answer(CABLE)).toBe(false);
  });

  it('is proved by a handshake that went on from there', () => {
    const { ice, check, bytesTo } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { useCandidate: true });
    ice.onProof(WIFI);
    for (let packet = 0; packet < 10; packet++) ice.send(Buffer.alloc(1_200));
    expect(bytesTo(WIFI)).toBeGreaterThan(12_000);
  });

  it('keeps one transaction until it is answered: a round trip may be longer than the time between two checks', () => {
    const { ice, check, answer, expected, sent } = setUp();
    ice.begin('them', 'password');
    for (let count = 0; count < 5; count++) check(WIFI);
    const ids = sent
      .filter(({ type }) => type === REQUEST)
      .map(({ datagram }) => datagram.subarray(8, 20).toString('hex'));
    expect([ids.length, new Set(ids).size, expected.size]).toEqual([5, 1, 1]);
    expect(answer(WIFI)).toBe(true);
    expect(expected.size).toBe(0);
  });

  it('is one of sixteen at most, and that in use is never forgotten', () => {
    const { ice, check, answer, admitted, expected } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { useCandidate: true });
    answer(WIFI);
    for (let port = 1; port <= 100; port++) check({ address: '198.51.100.1', port });
    expect([admitted.size, expected.size]).toEqual([16, 15]);
    expect(admitted.get(addressKey(WIFI))).toBe(true);
    expect(ice.remote).toEqual(WIFI);
  });
});

describe('consent', () => {
  it('is for the address that media goes to, whoever else still checks', () => {
    const { ice, check, answer, clock } = setUp();
    ice.begin('them', 'password');
    check(WIFI);
    answer(WIFI);
    check(CABLE, { useCandidate: true });
    answer(CABLE);
    const heardUs = ice.heardUs;
    clock.nowUs += 10_000_000;
    check(WIFI);
    ice.onAuthentic(WIFI, clock.nowUs);
    expect(ice.heardUs).toBe(heardUs);
    ice.onAuthentic(CABLE, clock.nowUs);
    expect(ice.heardUs).toBe(clock.nowUs);
  });

  it('once lost stops everything until the address is heard again', () => {
    const { ice, check, answer, bytesTo } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { useCandidate: true });
    answer(WIFI);
    ice.loseConsent();
    const before = bytesTo(WIFI);
    ice.send(Buffer.alloc(1_200));
    expect([bytesTo(WIFI), ice.remote]).toEqual([before, undefined]);
    check(WIFI);
    expect(ice.remote).toEqual(WIFI);
  });

  it('is asked for by a check of ours, and renewed by its answer', () => {
    const { ice, check, answer, clock } = setUp();
    ice.begin('them', 'password');
    check(WIFI, { useCandidate: true });
    answer(WIFI);
    clock.nowUs += 6_000_000;
    ice.askConsent(clock.nowUs);
    expect(ice.heardUs).toBeLessThan(clock.nowUs);
    expect(answer(WIFI)).toBe(true);
    expect(ice.heardUs).toBe(clock.nowUs);
  });
});
