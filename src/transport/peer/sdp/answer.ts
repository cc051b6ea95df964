/**
 * Writes the answer (RFC 9429 section 5.3): ICE-lite with our host candidates, DTLS passive, one video stream and one of
 * sound with their SSRCs named, so that every player creates tracks for them, what we receive, and the data channel.
 * Pure.
 */
import { isIPv6 } from 'node:net';
import { LIMITS } from '../../../limits.ts';
import type { VideoCodec } from '../../../media/encode/encoder.ts';
import type { NegotiatedAudio, NegotiatedVideo } from '../../media-path.ts';
import { EXTENSION_URIS, FEEDBACK_VALUES } from './feedback.ts';
import type { ReceivedVideo } from './inbound.ts';
import type { Negotiation } from './negotiation.ts';
import type { Offer, OfferSection } from './offer.ts';

const LINE_END = '\r\n';
const STREAM_ID = 'glimpse';
const TRACK_ID = 'video';
/** Of the same stream: players keep both in step. */
const SOUND_TRACK_ID = 'audio';
/** Type preference 126 (host), maximum local preference minus the index, component 1 (RFC 8445 section 5.1.2). */
const HOST_PRIORITY = 126 * 2 ** 24 + 65_535 * 2 ** 8 + 255;
/** H.264 parameters that an answer may only repeat (RFC 6184 section 8.2.2). */
const H264_REPEATED = ['level-asymmetry-allowed', 'packetization-mode', 'profile-level-id'] as const;

/** Of 16 by 16 pixels. */
const MACROBLOCKS_MAX = Math.floor(LIMITS.cameraMaxPixels / 256);

export interface AnswerFields {
  offer: Offer;
  negotiation: Negotiation;
  /** The stream as agreed on in the first offer; undefined for a client that only publishes. */
  video: NegotiatedVideo | undefined;
  /** Undefined where no sound was agreed on. */
  audio?: NegotiatedAudio | undefined;
  /** `o=` line: the id stays for the life of the connection, the version counts answers. */
  sessionId: string;
  sessionVersion: number;
  /** RTCP CNAME (RFC 7022). */
  cname: string;
  ice: { ufrag: string; password: string };
  fingerprint: string;
  /** Addresses for host candidates, best first. */
  hosts: readonly string[];
  port: number;
  /** TCP port for passive candidates (RFC 6544); undefined for none. */
  tcpPort?: number | undefined;
}

export function writeAnswer(fields: AnswerFields): string {
  const { offer, negotiation, sessionId, sessionVersion } = fields;
  const bundled = offer.sections.filter(
    ({ mid }, index) => mid !== undefined && offer.bundle.includes(mid) && negotiation.roles[index] !== 'rejected',
  );
  const lines = [
    'v=0',
    `o=- ${sessionId} ${sessionVersion} IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    ...(bundled.length > 0 ? [`a=group:BUNDLE ${bundled.map(({ mid }) => mid).join(' ')}`] : []),
    ...(offer.extmapAllowMixed ? ['a=extmap-allow-mixed'] : []),
    `a=msid-semantic: WMS ${STREAM_ID}`,
    'a=ice-lite',
  ];
  for (const [index, section] of offer.sections.entries()) {
    const role = negotiation.roles[index];
    const received = negotiation.received;
    if (role === 'video' && fields.video) lines.push(...videoSection(fields, section, fields.video));
    else if (role === 'camera' && received?.video) lines.push(...cameraSection(fields, section, received.video));
    else if (role === 'audio' && fields.audio && index === negotiation.sound?.index)
      lines.push(...soundSection(fields, section, fields.audio, received?.audio?.index === index));
    else if (role === 'audio' && received?.audio?.index === index)
      lines.push(...microphoneSection(fields, section, received.audio.payloadType));
    else if (role === 'audio') lines.push(...inactiveAudioSection(fields, section));
    else if (role === 'control') lines.push(...controlSection(fields, section));
    else
      lines.push(
        `m=${section.kind} 0 ${section.protocol} ${section.formats.join(' ')}`,
        'c=IN IP4 0.0.0.0',
        ...midOf(section),
        'a=inactive',
      );
  }
  return lines.join(LINE_END) + LINE_END;
}

function midOf({ mid }: OfferSection): string[] {
  return mid === undefined ? [] : [`a=mid:${mid}`];
}

/** Transport attributes: the same in every accepted section, since all share one transport. */
function transport({ hosts, port, tcpPort, ice, fingerprint }: AnswerFields, receives = false): string[] {
  const candidates = hosts.map(
    (host, index) => `a=candidate:${index + 1} 1 udp ${HOST_PRIORITY - index * 256} ${host} ${port} typ host`,
  );
  return [
    connection(hosts),
    // Transport-independent maximum, bits a second (RFC 3890).
    ...(receives ? [`b=TIAS:${LIMITS.cameraMaxBps}`] : []),
    ...candidates,
    ...(tcpPort === undefined ? [] : hosts.map((host, index) => tcpCandidate(hosts.length + index, host, tcpPort))),
    'a=end-of-candidates',
    `a=ice-ufrag:${ice.ufrag}`,
    `a=ice-pwd:${ice.password}`,
    `a=fingerprint:${fingerprint}`,
    'a=setup:passive',
  ];
}

/** TCP has lower priority than every UDP candidate (RFC 6544 section 4.2; direction preference of passive is 2). */
function tcpCandidate(index: number, host: string, port: number): string {
  const priority = 90 * 2 ** 24 + (2 * 2 ** 13 + 8_191 - index) * 2 ** 8 + 255;
  return `a=candidate:${index + 1} 1 tcp ${priority} ${host} ${port} typ host tcptype passive`;
}

function connection([host = '0.0.0.0']: readonly string[]): string {
  return `c=IN IP${isIPv6(host) ? 6 : 4} ${host}`;
}

function videoSection(fields: AnswerFields, section: OfferSection, video: NegotiatedVideo): string[] {
  const { negotiation, port, cname } = fields;
  const { payloadType, rtx, ssrc } = video;
  const receives = negotiation.received?.video?.index === negotiation.videoIndex;
  const formats = rtx === undefined ? [payloadType] : [payloadType, rtx.payloadType];
  const names = Object.keys(EXTENSION_URIS) as (keyof typeof EXTENSION_URIS)[];
  const describe = (stream: number): string[] => [
    `a=ssrc:${stream} cname:${cname}`,
    `a=ssrc:${stream} msid:${STREAM_ID} ${TRACK_ID}`,
  ];
  return [
    `m=video ${port} ${section.protocol} ${formats.join(' ')}`,
    ...transport(fields, receives),
    ...midOf(section),
    ...names.flatMap((name) => {
      const id = video.extensions[name];
      return id === undefined ? [] : [`a=extmap:${id} ${EXTENSION_URIS[name]}`];
    }),
    receives ? 'a=sendrecv' : 'a=sendonly',
    `a=msid:${STREAM_ID} ${TRACK_ID}`,
    'a=rtcp-mux',
    ...(section.rtcpRsize ? ['a=rtcp-rsize'] : []),
    `a=rtpmap:${payloadType} ${video.codec}/${video.clockRateHz}`,
    ...feedbackLines(video),
    ...formatParameters(video.codec, payloadType, negotiation.fmtp, receives),
    ...rtxLines(payloadType, rtx?.payloadType),
    ...(rtx === undefined ? [] : [`a=ssrc-group:FID ${ssrc} ${rtx.ssrc}`]),
    ...describe(ssrc),
    ...(rtx === undefined ? [] : describe(rtx.ssrc)),
  ];
}

/** What the client's camera sends: its SSRCs are the client's to choose. */
function cameraSection(fields: AnswerFields, section: OfferSection, video: ReceivedVideo): string[] {
  const { payloadType, rtxPayloadType, codec, feedback, fmtp } = video;
  const formats = rtxPayloadType === undefined ? [payloadType] : [payloadType, rtxPayloadType];
  const transportWideCc = fields.negotiation.received?.transportWideCc;
  return [
    `m=video ${fields.port} ${section.protocol} ${formats.join(' ')}`,
    ...transport(fields, true),
    ...midOf(section),
    ...(transportWideCc === undefined ? [] : [`a=extmap:${transportWideCc} ${EXTENSION_URIS.transportWideCc}`]),
    'a=recvonly',
    'a=rtcp-mux',
    ...(section.rtcpRsize ? ['a=rtcp-rsize'] : []),
    `a=rtpmap:${payloadType} ${codec}/90000`,
    ...feedbackLines({ payloadType, feedback: { ...feedback, remb: false } }),
    ...formatParameters(codec, payloadType, fmtp, true),
    ...rtxLines(payloadType, rtxPayloadType),
  ];
}

function rtxLines(payloadType: number, rtxPayloadType: number | undefined): string[] {
  if (rtxPayloadType === undefined) return [];
  return [`a=rtpmap:${rtxPayloadType} rtx/90000`, `a=fmtp:${rtxPayloadType} apt=${payloadType}`];
}

function feedbackLines({ payloadType, feedback }: Pick<NegotiatedVideo, 'payloadType' | 'feedback'>): string[] {
  const names = Object.keys(FEEDBACK_VALUES) as (keyof typeof FEEDBACK_VALUES)[];
  return names.filter((name) => feedback[name]).map((name) => `a=rtcp-fb:${payloadType} ${FEEDBACK_VALUES[name]}`);
}

/** @param receives whether a decoder of ours gets this format too: VP8's largest picture is told (RFC 7741 section 6.1) */
function formatParameters(
  codec: VideoCodec,
  payloadType: number,
  offered: ReadonlyMap<string, string>,
  receives: boolean,
): string[] {
  if (codec === 'VP8') return receives ? [`a=fmtp:${payloadType} max-fs=${MACROBLOCKS_MAX};max-fr=60`] : [];
  const repeated = H264_REPEATED.flatMap((name) => {
    const value = offered.get(name);
    return value !== undefined && /^[\da-f]{1,6}$/i.test(value) ? [`${name}=${value}`] : [];
  });
  return repeated.length === 0 ? [] : [`a=fmtp:${payloadType} ${repeated.join(';')}`];
}

/**
 * DTX and in-band FEC are what we send; `minptime` is Opus's own default.
 * @param receives the client's microphone comes in the same section
 */
function soundSection(
  fields: AnswerFields,
  section: OfferSection,
  audio: NegotiatedAudio,
  receives: boolean,
): string[] {
  const { port, cname } = fields;
  const { payloadType, redPayloadType, ssrc, extensions } = audio;
  const red = redPayloadType === undefined ? [] : [redPayloadType];
  const names = ['mid', 'transportWideCc', 'absSendTime'] as const;
  return [
    `m=audio ${port} ${section.protocol} ${[payloadType, ...red].join(' ')}`,
    ...transport(fields),
    ...midOf(section),
    ...names.flatMap((name) => {
      const id = extensions[name];
      return id === undefined ? [] : [`a=extmap:${id} ${EXTENSION_URIS[name]}`];
    }),
    receives ? 'a=sendrecv' : 'a=sendonly',
    `a=msid:${STREAM_ID} ${SOUND_TRACK_ID}`,
    'a=rtcp-mux',
    ...(section.rtcpRsize ? ['a=rtcp-rsize'] : []),
    `a=rtpmap:${payloadType} opus/48000/2`,
    `a=fmtp:${payloadType} minptime=10;useinbandfec=1;usedtx=1;sprop-stereo=1`,
    ...(audio.transportCc ? [`a=rtcp-fb:${payloadType} ${FEEDBACK_VALUES.transportCc}`] : []),
    ...red.flatMap((format) => [`a=rtpmap:${format} red/48000/2`, `a=fmtp:${format} ${payloadType}/${payloadType}`]),
    `a=ssrc:${ssrc} cname:${cname}`,
    `a=ssrc:${ssrc} msid:${STREAM_ID} ${SOUND_TRACK_ID}`,
  ];
}

/** Opus as in RFC 7587: we use its forward error correction. */
function microphoneSection(fields: AnswerFields, section: OfferSection, payloadType: number): string[] {
  return [
    `m=audio ${fields.port} ${section.protocol} ${payloadType}`,
    ...transport(fields),
    ...midOf(section),
    'a=recvonly',
    'a=rtcp-mux',
    ...(section.rtcpRsize ? ['a=rtcp-rsize'] : []),
    `a=rtpmap:${payloadType} opus/48000/2`,
    `a=fmtp:${payloadType} minptime=10;useinbandfec=1`,
  ];
}

/** Inactive, not rejected: as the first of its bundle this section may carry the transport. */
function inactiveAudioSection(fields: AnswerFields, section: OfferSection): string[] {
  const format = section.formats.find((candidate) => section.rtpmap.has(candidate)) ?? '0';
  return [
    `m=audio ${fields.port} ${section.protocol} ${format}`,
    ...transport(fields),
    ...midOf(section),
    'a=inactive',
    ...(section.rtcpMux ? ['a=rtcp-mux'] : []),
    `a=rtpmap:${format} ${section.rtpmap.get(format) ?? 'PCMU/8000'}`,
  ];
}

function controlSection(fields: AnswerFields, section: OfferSection): string[] {
  return [
    `m=application ${fields.port} ${section.protocol} webrtc-datachannel`,
    ...transport(fields),
    ...midOf(section),
    'a=sctp-port:5000',
    `a=max-message-size:${LIMITS.messageMaxBytes}`,
  ];
}
