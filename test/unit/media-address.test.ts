/** Where media listens when only HTTP was told where to. */
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { mediaAddressOf } from '../../src/config/media-address.ts';
import { OwnAddresses, reachableAt } from '../../src/transport/peer/ice/own-addresses.ts';

describe('the media port', () => {
  it.each([
    ['127.0.0.1', undefined, '0.0.0.0', true],
    ['localhost', undefined, '0.0.0.0', true],
    ['::1', undefined, '::', true],
    ['0.0.0.0', undefined, '0.0.0.0', false],
    ['192.0.2.7', undefined, '192.0.2.7', false],
    ['media.example', undefined, '0.0.0.0', false],
    ['127.0.0.1', '192.0.2.7', '192.0.2.7', undefined],
    ['0.0.0.0', '127.0.0.1', '127.0.0.1', undefined],
  ])('with HTTP on %s and --rtc-host %s listens on %s, for this machine only: %s', (host, rtcHost, bound, own) => {
    expect(mediaAddressOf({ host, rtcHost, rtcPort: 5 })).toEqual({
      host: bound,
      port: 5,
      ...(own === undefined ? {} : { ownMachineOnly: own }),
    });
  });
});

describe('own addresses', () => {
  it('are named for each family that the address binds', () => {
    const familyOf = (host: string, withLoopback: boolean) =>
      new Set(reachableAt(host, withLoopback).map((address) => isIP(address)));
    expect(familyOf('::', true)).toEqual(new Set([6, 4]));
    expect(familyOf('0.0.0.0', true)).toEqual(new Set([4]));
    expect(reachableAt('::', true)).toEqual(expect.arrayContaining(['::1', ...reachableAt('0.0.0.0', true)]));
    expect(reachableAt('::', false)).toEqual(expect.arrayContaining(reachableAt('0.0.0.0', false)));
    expect(reachableAt('::1', true)).toEqual(['::1']);
  });

  it('are loopback and those of the interfaces, and no others', () => {
    const own = new OwnAddresses();
    for (const address of ['127.0.0.1', '127.8.9.1', '::1', ...reachableAt('0.0.0.0', false)])
      expect(own.has(address), address).toBe(true);
    for (const address of ['203.0.113.9', '128.0.0.1', '::2', '']) expect(own.has(address), address).toBe(false);
  });
});
