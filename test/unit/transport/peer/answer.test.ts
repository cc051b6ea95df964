/** From offer to answer, without a network: what is agreed, what is refused, and what a reader of the answer sees. */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { SessionDescription } from 'werift';
import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../../../src/errors.ts';
import type { VideoCodec } from '../../../../src/media/encode/encoder.ts';
import type { ReceiveOptions } from '../../../../src/transport/peer/sdp/inbound.ts';
import { LIMITS } from '../../../../src/limits.ts';
import { writeAnswer } from '../../../../src/transport/peer/sdp/answer.ts';
import { h264Of } from '../../../../src/transport/peer/sdp/codec-choice.ts';
import { negotiate } from '../../../../src/transport/peer/sdp/negotiation.ts';
import { readOffer } from '../../../../src/transport/peer/sdp/offer.ts';

/** Chromium 1xx: video recvonly and a data channel. */
const CHROMIUM = readFileSync(
  new URL('../../../../bench/support/wire/chromium-offer.sdp', import.meta.url),
  'utf8',
).replaceAll(/\r?\n/g, '\r\n');

const negotiated = (sdp: string) => negotiate(readOffer(sdp), ['VP8', 'H264']);

function answerTo(sdp: string, codecs: readonly VideoCodec[] = ['VP8', 'H264'], receive?: ReceiveOptions): string {
  const offer = readOffer(sdp);
  const negotiation = negotiate(offer, codecs, receive);
  const { codec, payloadType, rtxPayloadType, extensions, feedback } = negotiation;
  return writeAnswer({
    offer,
    negotiation,
    video: negotiation.sends
      ? {
          codec,
          payloadType,
          ssrc: 11,
          rtx: rtxPayloadType === undefined ? undefined : { payloadType: rtxPayloadType, ssrc: 12 },
          mid: offer.sections[negotiation.videoIndex]!.mid ?? '',
          clockRateHz: 90_000,
          extensions,
          feedback,
        }
      : undefined,
    sessionId: '1',
    sessionVersion: 1,
    cname: 'cname',
    ice: { ufrag: 'ours', password: 'oursoursoursoursoursours' },
    fingerprint: 'sha-256 AA',
    hosts: ['127.0.0.1', '192.0.2.1'],
    port: 5000,
  });
}

const codeOf = (attempt: () => unknown): string => {
  try {
    attempt();
    return 'none';
  } catch (error) {
    return error instanceof GlimpseError ? error.code : String(error);
  }
};

describe('an offer from Chromium', () => {
  it('is agreed on in full', () => {
    expect(negotiated(CHROMIUM)).toMatchObject({
      roles: ['video', 'control'],
      codec: 'VP8',
      payloadType: 96,
      rtxPayloadType: 97,
      extensions: { mid: 9, transportWideCc: 4, absSendTime: 2, playoutDelay: 5 },
      feedback: { nack: true, pli: true, fir: true, transportCc: true, remb: true },
      remoteSctpPort: 5000,
      remote: { iceUfrag: 'wHSK' },
    });
  });

  it('gets H264 constrained baseline in packetization mode 1 when we prefer H264', () => {
    const negotiation = negotiate(readOffer(CHROMIUM), ['H264', 'VP8']);
    expect(negotiation).toMatchObject({ codec: 'H264', payloadType: 108, rtxPayloadType: 109 });
    expect(negotiation.fmtp.get('profile-level-id')).toBe('42e01f');
    expect(h264Of(negotiation)).toEqual({ nalMaxBytes: undefined, levelIdc: 31 });
  });

  it('is answered ICE-lite, passive, sendonly, with both SSRCs described', () => {
    const answer = SessionDescription.parse(answerTo(CHROMIUM));
    expect(answer.iceLite).toBe(true);
    expect(answer.media.map(({ kind, port, direction }) => [kind, port, direction])).toEqual([
      ['video', 5000, 'sendonly'],
      ['application', 5000, undefined],
    ]);
    const [video] = answer.media;
    expect(video!.dtlsParams!.role).toBe('server');
    expect(video!.ssrcGroup[0]!.str).toBe('FID 11 12');
    expect(video!.ssrc.map(({ ssrc, cname, msid }) => [ssrc, cname, msid])).toEqual([
      [11, 'cname', 'glimpse video'],
      [12, 'cname', 'glimpse video'],
    ]);
    expect(video!.iceCandidates.map(({ ip }) => ip)).toEqual(['127.0.0.1', '192.0.2.1']);
    expect(video!.iceCandidates[0]!.priority).toBeGreaterThan(video!.iceCandidates[1]!.priority);
    expect(video!.iceCandidatesComplete).toBe(true);
  });
});

const more = (count: number): string => Array.from({ length: count }, (_, index) => ` ${500 + index}`).join('');
const without = (line: RegExp): string => CHROMIUM.replaceAll(line, '');

describe('an offer', () => {
  it('without RTX, feedback or extensions is answered without them', () => {
    const sdp = without(/a=(rtcp-fb|extmap|fmtp|rtpmap:97)[^\r]*\r\n/g);
    expect(negotiated(sdp)).toMatchObject({ rtxPayloadType: undefined, extensions: {}, feedback: { nack: false } });
    expect(answerTo(sdp)).not.toMatch(/rtx|FID|extmap:|rtcp-fb/);
  });

  it('with a wildcard in rtcp-fb and ids only the two-byte form could carry keeps the first and drops the second', () => {
    const sdp = CHROMIUM.replace('a=rtcp-fb:96 nack pli', 'a=rtcp-fb:* nack pli').replace(
      'a=extmap:9 ',
      'a=extmap:15 ',
    );
    const { feedback, extensions } = negotiated(sdp);
    expect(feedback.pli).toBe(true);
    expect(extensions.mid).toBeUndefined();
  });

  it('without the transport-wide extension gets no transport-wide feedback', () => {
    const sdp = without(/a=extmap:\d+ [^\r]*transport-wide-cc[^\r]*\r\n/g);
    expect(negotiated(sdp).feedback).toMatchObject({ transportCc: false, nack: true });
    expect(answerTo(sdp)).not.toContain('transport-cc');
  });

  it('with everything at session level, as WHEP players write it, is understood', () => {
    const shared = /a=(ice-ufrag|ice-pwd|fingerprint|setup)[^\r]*\r\n/g;
    const lines = [...new Set(CHROMIUM.match(shared))].join('');
    expect(negotiated(CHROMIUM.replaceAll(shared, '').replace('m=video', `${lines}m=video`)).remote).toEqual(
      negotiated(CHROMIUM).remote,
    );
  });

  it('whose further sections are not bundled has them rejected', () => {
    const answer = SessionDescription.parse(answerTo(without(/a=group[^\r]*\r\n/g)));
    expect(answer.media.map(({ port }) => port)).toEqual([5000, 0]);
    expect(answer.group).toEqual([]);
  });

  it('that takes only H264 in packetization mode 0 is answered in that mode, with units that fit a packet', () => {
    const mode0 = CHROMIUM.replaceAll('packetization-mode=1', 'packetization-mode=0').replaceAll('VP8', 'XX');
    const negotiation = negotiated(mode0);
    expect(h264Of(negotiation)).toEqual({ nalMaxBytes: LIMITS.rtpPayloadMaxBytes, levelIdc: 31 });
    expect(answerTo(mode0)).toContain(
      `a=fmtp:${negotiation.payloadType} level-asymmetry-allowed=1;packetization-mode=0`,
    );
  });

  it('of H264 without parameters is baseline in mode 0 (RFC 6184 section 8.1), and gets none back', () => {
    const bare = without(/a=fmtp[^\r]*\r\n/g).replaceAll('VP8', 'XX');
    expect(negotiated(bare).codec).toBe('H264');
    expect(h264Of(negotiated(bare))).toEqual({ nalMaxBytes: LIMITS.rtpPayloadMaxBytes, levelIdc: 31 });
    expect(answerTo(bare)).not.toContain('a=fmtp');
  });

  it('tells the level of its decoder', () => {
    const level4 = CHROMIUM.replaceAll('VP8', 'XX').replaceAll('42e01f', '42e028');
    expect(h264Of(negotiated(level4))?.levelIdc).toBe(40);
  });

  it('without rtcp-rsize is answered without it', () => {
    expect(CHROMIUM).toContain('a=rtcp-rsize');
    expect(answerTo(CHROMIUM)).toContain('a=rtcp-rsize');
    expect(answerTo(without(/a=rtcp-rsize\r\n/g))).not.toContain('rtcp-rsize');
  });

  it.each(['RTP/AVP', 'RTP/AVPF', 'RTP/SAVP', 'RTP/SAVPF', 'UDP/TLS/RTP/SAVP', 'TCP/DTLS/RTP/SAVPF'])(
    'over %s is read as one over DTLS, and answered under that name',
    (protocol) => {
      expect(answerTo(CHROMIUM.replace('UDP/TLS/RTP/SAVPF', protocol))).toContain(`m=video 5000 ${protocol} `);
    },
  );

  it('with none of our codecs is CODEC_UNSUPPORTED', () => {
    expect(codeOf(() => negotiated(CHROMIUM.replaceAll(/VP8|H264/g, 'XX')))).toBe('CODEC_UNSUPPORTED');
  });

  it.each([
    ['no video', (sdp: string) => sdp.replace('m=video', 'm=audio')],
    ['another profile', (sdp: string) => sdp.replace('UDP/TLS/RTP/SAVPF', 'RTP/XAVP')],
    ['a disabled video', (sdp: string) => sdp.replace('m=video 9', 'm=video 0')],
    ['an inactive video', (sdp: string) => sdp.replace('a=recvonly', 'a=inactive')],
    ['a passive client', (sdp: string) => sdp.replaceAll('setup:actpass', 'setup:passive')],
    ['a lite client', (sdp: string) => sdp.replace('s=-', 's=-\r\na=ice-lite')],
    ['only a SHA-1 fingerprint', (sdp: string) => sdp.replaceAll('sha-256', 'sha-1')],
    ['a broken fingerprint', (sdp: string) => sdp.replaceAll(/sha-256 ../g, 'sha-256 ZZ')],
    ['a short password', (sdp: string) => sdp.replaceAll(/ice-pwd:.*/g, 'ice-pwd:short')],
    ['a mid that would break our header', (sdp: string) => sdp.replaceAll('a=mid:0', 'a=mid:12345678901234567')],
    ['a broken media line', (sdp: string) => sdp.replace('m=video 9', 'm=video nine')],
    ['too many formats', (sdp: string) => sdp.replace('SAVPF 96', `SAVPF 96${more(129)}`)],
    ['a long fmtp', (sdp: string) => `${sdp}a=fmtp:1 ${'x'.repeat(LIMITS.sdpMaxFmtpChars)}\r\n`],
  ])('with %s is SDP_INVALID', (_name, change) => {
    expect(codeOf(() => negotiated(change(CHROMIUM)))).toBe('SDP_INVALID');
  });

  it('that is rubbish never throws anything but our errors', () => {
    const lines = CHROMIUM.split('\r\n');
    const mutated = fc
      .array(fc.tuple(fc.nat(lines.length - 1), fc.oneof(fc.string(), fc.constantFrom(...lines))), { maxLength: 12 })
      .map((changes) => {
        const copy = [...lines];
        for (const [at, line] of changes) copy[at] = line;
        return copy.join('\r\n');
      });
    const allowed = ['none', 'SDP_INVALID', 'SDP_TOO_LARGE', 'CODEC_UNSUPPORTED'];
    fc.assert(
      fc.property(fc.oneof(fc.string(), mutated), (sdp) => {
        expect(allowed).toContain(codeOf(() => answerTo(sdp)));
      }),
    );
  });
});

/** A section of Chromium's offer as a camera sends in it. */
const SENDRECV = CHROMIUM.replace('a=recvonly', 'a=sendrecv');
const CAMERA = `${CHROMIUM.replace('BUNDLE 0 1', 'BUNDLE 0 1 2')}${/m=video[\s\S]*?(?=m=application)/
  .exec(CHROMIUM)![0]
  .replace('a=recvonly', 'a=sendonly')
  .replace('a=mid:0', 'a=mid:2')}`;
const MICROPHONE = `m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\nc=IN IP4 0.0.0.0\r\na=mid:3\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:111 opus/48000/2\r\n`;
const RECEIVE = { codecs: ['VP8', 'H264'], audio: true } as const;
const receiving = (sdp: string, codecs: readonly ('VP8' | 'H264')[] = ['VP8', 'H264']) => {
  const offer = readOffer(sdp);
  const negotiation = negotiate(offer, codecs, RECEIVE);
  return { negotiation, answer: SessionDescription.parse(answerTo(sdp, codecs, RECEIVE)) };
};
const directions = (answer: SessionDescription) => answer.media.map(({ kind, direction }) => [kind, direction]);

describe('a client that sends', () => {
  it('in the section that it receives in sends the codec that we send', () => {
    const { negotiation, answer } = receiving(SENDRECV);
    expect(negotiation.roles).toEqual(['video', 'control']);
    expect(negotiation.received).toMatchObject({
      video: { index: 0, codec: 'VP8', payloadType: 96, rtxPayloadType: 97, feedback: { nack: true, pli: true } },
      audio: undefined,
      transportWideCc: 4,
    });
    expect(directions(answer)).toEqual([
      ['video', 'sendrecv'],
      ['application', undefined],
    ]);
  });

  it('is answered sendonly where nothing of it is wanted', () => {
    expect(SessionDescription.parse(answerTo(SENDRECV)).media[0]!.direction).toBe('sendonly');
  });

  it('in a section of its own is answered recvonly there, with limits', () => {
    const { negotiation, answer } = receiving(CAMERA);
    expect(negotiation.roles).toEqual(['video', 'control', 'camera']);
    expect(directions(answer)).toEqual([
      ['video', 'sendonly'],
      ['application', undefined],
      ['video', 'recvonly'],
    ]);
    const text = answerTo(CAMERA, ['VP8', 'H264'], RECEIVE);
    expect(text).toContain('a=fmtp:96 max-fs=8160;max-fr=60\r\n');
    expect(text).toContain('b=TIAS:4000000\r\n');
  });

  it('of sound sends Opus, whatever else it offers', () => {
    const { negotiation, answer } = receiving(`${SENDRECV.replace('BUNDLE 0 1', 'BUNDLE 0 1 3')}${MICROPHONE}`);
    expect(negotiation.received?.audio).toEqual({ index: 2, payloadType: 111 });
    expect(answer.media[2]!.direction).toBe('recvonly');
    expect(answer.media[2]!.rtp.codecs.map(({ mimeType }) => mimeType)).toEqual(['audio/opus']);
  });

  it('and receives nothing is a publisher', () => {
    const { negotiation, answer } = receiving(CHROMIUM.replace('a=recvonly', 'a=sendonly'), []);
    expect(negotiation).toMatchObject({ sends: false, roles: ['camera', 'control'] });
    expect(answer.media[0]!.direction).toBe('recvonly');
    expect(answer.media[0]!.ssrc).toEqual([]);
  });

  it('of none of our codecs is refused as a publisher, and is a viewer without camera otherwise', () => {
    const foreign = (sdp: string) => sdp.replaceAll(/VP8|H264/g, 'AV2');
    expect(codeOf(() => receiving(foreign(CHROMIUM.replace('a=recvonly', 'a=sendonly')), []))).toBe(
      'CODEC_UNSUPPORTED',
    );
    const [viewer, camera] = [
      CAMERA.slice(0, CAMERA.lastIndexOf('m=video')),
      CAMERA.slice(CAMERA.lastIndexOf('m=video')),
    ];
    const { negotiation } = receiving(viewer + foreign(camera));
    expect(negotiation.roles).toEqual(['video', 'control', 'rejected']);
    expect(negotiation.received).toBeUndefined();
  });

  it('of main or high profile is decoded', () => {
    const main = CHROMIUM.replace('a=recvonly', 'a=sendonly')
      .replaceAll('VP8', 'XX')
      .replaceAll('42e01f', '640028')
      .replaceAll('42001f', '640028');
    expect(receiving(main, []).negotiation).toMatchObject({ codec: 'H264' });
  });

  it('of 200 tracks is refused', () => {
    const track = CAMERA.slice(CAMERA.lastIndexOf('m=video'));
    expect(codeOf(() => receiving(CHROMIUM + track.repeat(200)))).toBe('SDP_TOO_LARGE');
    const short = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendonly\r\n';
    expect(codeOf(() => receiving(CHROMIUM + short.repeat(200)))).toBe('SDP_TOO_LARGE');
  });

  it('of several layers gets one: simulcast is not answered', () => {
    const layers = SENDRECV.replace(
      'a=sendrecv',
      'a=sendrecv\r\na=rid:hi send\r\na=rid:lo send\r\na=simulcast:send hi;lo',
    );
    expect(answerTo(layers, ['VP8', 'H264'], RECEIVE)).not.toMatch(/simulcast|rid:/);
  });
});
