import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { iceServersFrom, type IceServerSettings } from '../../../signaling/ice-servers.ts';

const settings = (given: Partial<IceServerSettings>): IceServerSettings => ({
  urls: '',
  turnTtlSeconds: 600,
  ...given,
});

describe('the ICE servers of a viewer', () => {
  it('are none by default', () => {
    expect(iceServersFrom(settings({}))()).toEqual([]);
  });

  it('carry TURN credentials that expire, signed with the shared secret, different for every viewer', () => {
    const servers = iceServersFrom(
      settings({ urls: 'stun:s.example, turn:t.example?transport=udp', turnSecret: 'shared' }),
      () => 1_000_000,
    );
    const [stun, turn] = servers();
    expect(stun).toEqual({ urls: ['stun:s.example'] });
    expect(turn?.username).toMatch(/^1600:[\w-]{12}$/);
    const signature = createHmac('sha1', 'shared').update(String(turn?.username)).digest('base64');
    expect(turn).toMatchObject({ urls: ['turn:t.example?transport=udp'], credential: signature });
    expect(servers()[1]?.username).not.toBe(turn?.username);
  });

  it('may have fixed credentials', () => {
    const servers = iceServersFrom(settings({ urls: 'turns:[::1]:5349', turnUsername: 'u', turnCredential: 'c' }));
    expect(servers()).toEqual([{ urls: ['turns:[::1]:5349'], username: 'u', credential: 'c' }]);
  });

  it.each([
    ['a URL that is none', { urls: 'http://t.example' }, /no STUN or TURN URL/],
    ['a transport that does not exist', { urls: 'turn:t?transport=sctp', turnSecret: 's' }, /no STUN or TURN URL/],
    ['a TURN server without credentials', { urls: 'turn:t.example' }, /needs --turn-secret/],
    ['half of fixed credentials', { urls: 'turn:t.example', turnUsername: 'u' }, /needs --turn-secret/],
    ['more than browsers take well', { urls: Array(6).fill('stun:s.example').join(',') }, /the most/],
  ])('refuse %s', (_what, given, message) => {
    expect(() => iceServersFrom(settings(given))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) as string }),
    );
  });
});
