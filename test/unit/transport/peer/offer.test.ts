import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../../src/limits.ts';
import { negotiate } from '../../../../src/transport/peer/sdp/negotiation.ts';
import { readOffer } from '../../../../src/transport/peer/sdp/offer.ts';
import { offerSdp } from '../../../support/offer-sdp.ts';

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index));
const without = (prefix: string) =>
  offerSdp()
    .split('\r\n')
    .filter((line) => !line.startsWith(prefix))
    .join('\r\n');

/** As every offer is checked: read, then judged. @throws GlimpseError */
const check = (sdp: string) => negotiate(readOffer(sdp), ['VP8', 'H264']);

describe('readOffer', () => {
  it('passes an offer like a browser’s, with CRLF or LF', () => {
    expect(check(offerSdp())).toMatchObject({ codec: 'VP8' });
    expect(check(offerSdp().replaceAll('\r\n', '\n'))).toEqual(check(offerSdp()));
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
    ['an empty line inside', offerSdp().replace('s=-', 's=-\r\n')],
    ['two empty lines at the end', `${offerSdp()}\r\n`],
  ])('refuses %s as invalid', (_, sdp) => {
    expect(() => check(sdp)).toThrow(expect.objectContaining({ code: 'SDP_INVALID' }));
  });

  it.each([
    ['bytes', offerSdp({ extra: lines(70, () => `a=x:${'y'.repeat(1000)}`) })],
    ['bytes that are fewer characters', offerSdp({ extra: lines(30, () => `a=x:${'é'.repeat(1200)}`) })],
    ['lines', offerSdp({ extra: lines(LIMITS.sdpMaxLines, () => 'a=x') })],
    ['media sections', offerSdp({ extra: lines(LIMITS.sdpMaxMediaSections, () => 'm=video 9 UDP/TLS/RTP/SAVPF 96') })],
    ['lines, all empty', `v=0${'\n'.repeat(LIMITS.sdpMaxLines + 2)}`],
    ['ssrc lines', offerSdp({ extra: lines(LIMITS.sdpMaxSsrcLines + 1, (index) => `a=ssrc:${index} cname:x`) })],
    ['bytes in a candidate', offerSdp({ extra: [`a=candidate:${'1'.repeat(LIMITS.candidateMaxBytes)}`] })],
  ])('refuses too many %s', (_, sdp) => {
    expect(() => readOffer(sdp)).toThrow(expect.objectContaining({ code: 'SDP_TOO_LARGE' }));
  });

  it('passes more candidates than may be trickled: an ICE-lite agent uses none', () => {
    const extra = lines(LIMITS.candidatesMax + 1, (index) => `a=candidate:${index} 1 udp 1 127.0.0.1 9 typ host`);
    expect(check(offerSdp({ extra }))).toMatchObject({ codec: 'VP8' });
  });

  it('names limits in its errors, never what it was sent', () => {
    const long = offerSdp({ extra: lines(LIMITS.sdpMaxLines, () => 'a=secret') });
    expect(() => readOffer(long)).toThrow(`The offer has more than ${LIMITS.sdpMaxLines} lines.`);
    expect(() => readOffer('v=0\r\nsecret')).toThrow(
      'The offer cannot be answered: a line is not of the form type=value.',
    );
  });

  it('allows exactly the limit of lines', () => {
    const room = LIMITS.sdpMaxLines - (offerSdp().split('\r\n').length - 1);
    expect(check(offerSdp({ extra: lines(room, () => 'a=x') }))).toMatchObject({ codec: 'VP8' });
  });

  it('allows exactly the limit of ssrc lines', () => {
    const extra = lines(LIMITS.sdpMaxSsrcLines, (index) => `a=ssrc:${index} cname:x`);
    expect(check(offerSdp({ extra }))).toMatchObject({ codec: 'VP8' });
  });
});
