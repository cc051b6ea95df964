/** Which offers get a sound track, and what their answers say of it. */
import { SessionDescription } from 'werift';
import { describe, expect, it } from 'vitest';
import { writeAnswer } from '../../../../src/transport/peer/sdp/answer.ts';
import { negotiate } from '../../../../src/transport/peer/sdp/negotiation.ts';
import type { ReceiveOptions } from '../../../../src/transport/peer/sdp/inbound.ts';
import { readOffer } from '../../../../src/transport/peer/sdp/offer.ts';
import { FINGERPRINT } from '../../../support/offer-sdp.ts';

const TWCC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
const OPUS = ['a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 transport-cc', 'a=fmtp:111 minptime=10;useinbandfec=1'];
const RED = ['a=rtpmap:63 red/48000/2', 'a=fmtp:63 111/111'];

interface Parts {
  direction?: string;
  formats?: string;
  lines?: readonly string[];
  twccId?: number;
  count?: number;
}

function offerWith({
  direction = 'recvonly',
  formats = '111 63',
  lines = [...OPUS, ...RED],
  twccId = 3,
  count = 1,
}: Parts = {}) {
  const transport = [
    'c=IN IP4 0.0.0.0',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    `a=fingerprint:${FINGERPRINT}`,
  ];
  const audio = Array.from({ length: count }, (_, index) => [
    `m=audio 9 UDP/TLS/RTP/SAVPF ${formats}`,
    ...transport,
    'a=setup:actpass',
    `a=mid:a${index}`,
    `a=extmap:${twccId} ${TWCC}`,
    `a=${direction}`,
    'a=rtcp-mux',
    ...lines,
  ]).flat();
  const video = [
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    ...transport,
    'a=setup:actpass',
    'a=mid:v',
    `a=extmap:3 ${TWCC}`,
    'a=recvonly',
    'a=rtcp-mux',
    'a=rtpmap:96 VP8/90000',
    'a=rtcp-fb:96 transport-cc',
  ];
  const mids = [...Array.from({ length: count }, (_, index) => `a${index}`), 'v'];
  const head = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${mids.join(' ')}`];
  return `${[...head, ...audio, ...video].join('\r\n')}\r\n`;
}

const negotiated = (parts: Parts = {}, sound = true, receive?: ReceiveOptions) =>
  negotiate(readOffer(offerWith(parts)), ['VP8'], receive, sound);

function answerTo(parts: Parts, sound: boolean, receive?: ReceiveOptions): string {
  const offer = readOffer(offerWith(parts));
  const negotiation = negotiate(offer, ['VP8'], receive, sound);
  const { codec, payloadType, extensions, feedback } = negotiation;
  return writeAnswer({
    offer,
    negotiation,
    video: { codec, payloadType, ssrc: 11, rtx: undefined, mid: 'v', clockRateHz: 90_000, extensions, feedback },
    audio: negotiation.sound && { ...negotiation.sound, ssrc: 12, mid: 'a0', clockRateHz: 48_000 },
    sessionId: '1',
    sessionVersion: 1,
    cname: 'cname',
    ice: { ufrag: 'ours', password: 'oursoursoursoursoursours' },
    fingerprint: 'sha-256 AA',
    hosts: ['127.0.0.1'],
    port: 5000,
  });
}

describe('an offer that takes sound', () => {
  it.each(['recvonly', 'sendrecv'])('gets Opus with redundancy and feedback, %s', (direction) => {
    expect(negotiated({ direction }).sound).toEqual({
      index: 0,
      payloadType: 111,
      redPayloadType: 63,
      extensions: { transportWideCc: 3 },
      transportCc: true,
    });
  });

  it('is answered with a track of the same stream as the video', () => {
    const answer = SessionDescription.parse(answerTo({}, true));
    const [audio, video] = answer.media;
    expect(audio).toMatchObject({ kind: 'audio', direction: 'sendonly', msid: 'glimpse audio' });
    expect(video?.msid).toBe('glimpse video');
    expect(audio?.rtp.codecs.map(({ mimeType }) => mimeType.toLowerCase())).toEqual(['audio/opus', 'audio/red']);
    expect(audio?.ssrc.map(({ ssrc, cname }) => [ssrc, cname])).toEqual([[12, 'cname']]);
    expect(answerTo({}, true)).toContain('a=group:BUNDLE a0 v');
  });

  it('takes the microphone in the same section, without redundancy', () => {
    const receive: ReceiveOptions = { codecs: ['VP8'], audio: true };
    expect(negotiated({ direction: 'sendrecv' }, true, receive).sound?.redPayloadType).toBeUndefined();
    expect(answerTo({ direction: 'sendrecv' }, true, receive)).toContain('a=sendrecv');
    expect(answerTo({ direction: 'sendrecv' }, false, receive)).not.toContain('a=sendrecv');
    expect(answerTo({ direction: 'recvonly' }, true, receive)).not.toContain('a=sendrecv');
  });

  it('gets one, however many it asks for', () => {
    const answer = answerTo({ count: 4 }, true);
    expect(answer.match(/a=sendonly/g)).toHaveLength(2);
    expect(answer.match(/a=inactive/g)).toHaveLength(3);
  });

  it.each<[string, Parts]>([
    ['only sends', { direction: 'sendonly' }],
    ['is inactive', { direction: 'inactive' }],
    ['knows no Opus', { formats: '0', lines: ['a=rtpmap:0 PCMU/8000'] }],
    ['has a payload type beyond any', { formats: '300', lines: ['a=rtpmap:300 opus/48000/2'] }],
  ])('gets none where it %s', (_, parts) => {
    expect(negotiated(parts).sound).toBeUndefined();
    expect(answerTo(parts, true)).toContain('a=inactive');
  });

  it('gets none where there is no sound, and no change to its answer', () => {
    expect(negotiated({}, false).sound).toBeUndefined();
    const answer = answerTo({}, false);
    expect(answer).toContain('a=inactive');
    expect(answer).not.toContain('glimpse audio');
  });

  it('gets no extension whose number means another thing in the video, and then no feedback', () => {
    expect(negotiated({ twccId: 5 }).sound).toMatchObject({ extensions: {}, transportCc: false });
  });

  it.each(['a=fmtp:63 111/0', 'a=fmtp:63 9/9', 'a=fmtp:63 ', ''])('gets no redundancy of another codec: %s', (line) => {
    const lines = [...OPUS, 'a=rtpmap:63 red/48000/2', ...(line ? [line] : [])];
    expect(negotiated({ lines }).sound?.redPayloadType).toBeUndefined();
  });
});
