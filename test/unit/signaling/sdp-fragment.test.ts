import { describe, expect, it } from 'vitest';
import { credentialsOf, fragmentOf, parseFragment, restartOffer } from '../../../signaling/whep/sdp-fragment.ts';
import { readOffer } from '../../../src/transport/peer/sdp/offer.ts';
import { offerSdp } from '../../support/offer-sdp.ts';

const CANDIDATE = 'candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host';
const PWD = 'zyxwvutsrqponmlkjihgfedc';
const fragment = (...lines: string[]) =>
  ['a=ice-options:trickle', 'a=group:BUNDLE 0 1', 'm=video 9 UDP/TLS/RTP/SAVPF 96', ...lines].join('\r\n');

describe('parseFragment', () => {
  it('reads credentials, candidates with their mid, and the end', () => {
    const text = fragment('a=mid:0', 'a=ice-ufrag:wxyz', `a=ice-pwd:${PWD}`, `a=${CANDIDATE}`, 'a=end-of-candidates');
    expect(parseFragment(text)).toEqual({
      ufrag: 'wxyz',
      pwd: PWD,
      candidates: [{ candidate: CANDIDATE, sdpMid: '0', usernameFragment: 'wxyz' }],
      endOfCandidates: true,
    });
  });

  it('names a section without mid by its place', () => {
    expect(parseFragment(`a=${CANDIDATE}`).candidates).toEqual([{ candidate: CANDIDATE, sdpMLineIndex: 0 }]);
    expect(parseFragment(fragment(`a=${CANDIDATE}`)).candidates).toEqual([{ candidate: CANDIDATE, sdpMLineIndex: 0 }]);
  });

  it.each([
    ['nothing', ''],
    ['prose', 'hello'],
    ['a ufrag without a pwd', fragment('a=ice-ufrag:wxyz')],
  ])('refuses %s', (_, text) => {
    expect(() => parseFragment(text)).toThrow(expect.objectContaining({ code: 'SDP_INVALID' }));
  });
});

/** What an ICE restart must leave alone. */
const rest = (sdp: string) => sdp.split('\r\n').filter((line) => !/^(o=|a=(ice-|candidate))/.test(line));

describe('restartOffer', () => {
  const offer = offerSdp({ extra: ['a=candidate:9 1 udp 1 10.0.0.1 9 typ host'] });
  const parsed = parseFragment(fragment('a=mid:0', 'a=ice-ufrag:wxyz', `a=ice-pwd:${PWD}`, `a=${CANDIDATE}`));
  const restart = restartOffer(offer, parsed);

  it('has the new credentials in every section and is still an offer', () => {
    const renewed = { iceUfrag: 'wxyz', icePassword: PWD };
    expect(readOffer(restart).sections).toMatchObject([renewed, renewed]);
    expect(credentialsOf(restart)).toEqual({ ufrag: 'wxyz', pwd: PWD });
    expect(restart).not.toContain('ice-ufrag:abcd');
  });

  it('replaces the old candidates and puts the new ones in the first section', () => {
    expect(restart).not.toContain('10.0.0.1');
    expect(restart.indexOf(CANDIDATE)).toBeLessThan(restart.indexOf('m=application'));
  });

  it('raises the version of the origin', () => {
    expect(restart).toContain('o=- 4611731400430051336 3 IN IP4');
  });

  it('differs in nothing else', () => {
    expect(rest(restart)).toEqual(rest(offer));
  });
});

describe('fragmentOf', () => {
  it('keeps the ICE lines of the answer only', () => {
    const answer = offerSdp({ ufrag: 'srv1', extra: [`a=${CANDIDATE}`] }).replace('t=0 0', 't=0 0\r\na=ice-lite');
    expect(fragmentOf(answer).split('\r\n')).toEqual([
      'a=ice-lite',
      'a=ice-options:trickle',
      'a=group:BUNDLE 0 1',
      'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
      'a=mid:0',
      'a=ice-ufrag:srv1',
      'a=ice-pwd:abcdefghijklmnopqrstuvwx',
      `a=${CANDIDATE}`,
      'a=end-of-candidates',
      '',
    ]);
  });
});
