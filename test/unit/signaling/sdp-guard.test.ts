import { describe, expect, it } from 'vitest';
import { checkSdp } from '../../../signaling/control/sdp-guard.ts';
import { LIMITS } from '../../../src/limits.ts';
import { offerSdp } from '../../support/offer-sdp.ts';

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index));
const without = (prefix: string) =>
  offerSdp()
    .split('\r\n')
    .filter((line) => !line.startsWith(prefix))
    .join('\r\n');

describe('checkSdp', () => {
  it('passes an offer like a browser’s, with CRLF or LF', () => {
    expect(checkSdp(offerSdp())).toEqual({ ok: true });
    expect(checkSdp(offerSdp().replaceAll('\r\n', '\n'))).toEqual({ ok: true });
  });

  it.each([
    ['nothing', ''],
    ['prose', 'hello there'],
    ['JSON', '{"type":"offer"}'],
    ['another version', offerSdp().replace('v=0', 'v=1')],
    ['a leading blank line', `\r\n${offerSdp()}`],
    ['a line without a type', `${offerSdp()}hello\r\n`],
    ['a NUL inside a line', offerSdp().replace('s=-', 's=\0')],
    ['a lone carriage return', offerSdp().replace('s=-', 's=a\rb')],
    ['no video', offerSdp().replace('m=video', 'm=audio')],
    ['no ice-ufrag', without('a=ice-ufrag')],
    ['no ice-pwd', without('a=ice-pwd')],
    ['no fingerprint', without('a=fingerprint')],
    ['a short ice-ufrag', offerSdp({ ufrag: 'abc' })],
    ['an ice-ufrag with a space', offerSdp({ ufrag: 'ab cd' })],
    ['a short ice-pwd', offerSdp({ pwd: 'short' })],
  ])('refuses %s as invalid', (_, sdp) => {
    expect(checkSdp(sdp)).toMatchObject({ ok: false, code: 'SDP_INVALID' });
  });

  it.each([
    ['bytes', offerSdp({ extra: lines(70, () => `a=x:${'y'.repeat(1000)}`) })],
    ['bytes that are fewer characters', offerSdp({ extra: lines(30, () => `a=x:${'é'.repeat(1200)}`) })],
    ['lines', offerSdp({ extra: lines(LIMITS.sdpMaxLines, () => 'a=x') })],
    ['media sections', offerSdp({ extra: lines(LIMITS.sdpMaxMediaSections, () => 'm=video 9 UDP/TLS/RTP/SAVPF 96') })],
    ['ssrc lines', offerSdp({ extra: lines(LIMITS.sdpMaxSsrcLines + 1, (index) => `a=ssrc:${index} cname:x`) })],
    ['bytes in a candidate', offerSdp({ extra: [`a=candidate:${'1'.repeat(LIMITS.candidateMaxBytes)}`] })],
  ])('refuses too many %s', (_, sdp) => {
    expect(checkSdp(sdp)).toMatchObject({ ok: false, code: 'SDP_TOO_LARGE' });
  });

  it('passes more candidates than may be trickled: an ICE-lite agent uses none', () => {
    const extra = lines(LIMITS.candidatesMax + 1, (index) => `a=candidate:${index} 1 udp 1 127.0.0.1 9 typ host`);
    expect(checkSdp(offerSdp({ extra }))).toEqual({ ok: true });
  });

  it('allows exactly the limit', () => {
    const extra = lines(LIMITS.sdpMaxSsrcLines, (index) => `a=ssrc:${index} cname:x`);
    expect(checkSdp(offerSdp({ extra }))).toEqual({ ok: true });
  });
});
