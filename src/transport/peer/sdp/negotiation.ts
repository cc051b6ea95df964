/**
 * Decides what an offer gets (RFC 3264, RFC 9429): the section for our one video stream, its codec by our preference,
 * the RTX, feedback and header extensions that both sides support, and whether there is a data channel. Pure.
 */
import { GlimpseError } from '../../../errors.ts';
import { LIMITS } from '../../../limits.ts';
import type { VideoCodec } from '../../../media/encode/encoder.ts';
import type { NegotiatedVideo } from '../../media-path.ts';
import type { Fingerprint } from '../dtls/dtls-certificate.ts';
import { invalid, type Offer, type OfferSection } from './offer.ts';

/** URIs by their names in `NegotiatedVideo.extensions`. */
export const EXTENSION_URIS = {
  mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
  transportWideCc: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  absSendTime: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  playoutDelay: 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
} as const;

/** `rtcp-fb` values by their names in `NegotiatedVideo.feedback`. */
export const FEEDBACK_VALUES = {
  nack: 'nack',
  pli: 'nack pli',
  fir: 'ccm fir',
  transportCc: 'transport-cc',
  remb: 'goog-remb',
} as const;

/** Largest header extension id of the one-byte form (RFC 8285 section 4.2). */
const EXTENSION_ID_MAX = 14;

export type SectionRole = 'video' | 'audio' | 'control' | 'rejected';

export interface Negotiation {
  /** One per section of the offer, in order. */
  roles: SectionRole[];
  videoIndex: number;
  codec: VideoCodec;
  payloadType: number;
  /** The offer's own `fmtp` parameters for the codec. */
  fmtp: ReadonlyMap<string, string>;
  rtxPayloadType: number | undefined;
  extensions: NegotiatedVideo['extensions'];
  feedback: NegotiatedVideo['feedback'];
  remote: { iceUfrag: string; icePassword: string; fingerprints: Fingerprint[] };
  /** SCTP port of the client; undefined without a data channel section. */
  remoteSctpPort: number | undefined;
}

/** @throws GlimpseError SDP_INVALID, CODEC_UNSUPPORTED */
export function negotiate(offer: Offer, codecs: readonly VideoCodec[]): Negotiation {
  const videoIndex = offer.sections.findIndex(receivesVideo);
  const video = offer.sections[videoIndex];
  if (video === undefined) throw invalid('no video section receives RTP over DTLS');
  if (!video.rtcpMux) throw invalid('rtcp-mux is required');
  if (video.setup === 'passive' || video.setup === 'holdconn') throw invalid('this server can only be DTLS passive');
  const fmtp = parametersOf(video);
  const choice = chooseCodec(video, fmtp, codecs);
  if (choice === undefined) {
    throw new GlimpseError('CODEC_UNSUPPORTED', { details: { supported: [...codecs] } });
  }
  const roles = offer.sections.map((section, index) => roleOf(offer, section, index === videoIndex, video));
  const control = offer.sections[roles.indexOf('control')];
  const extensions = commonExtensions(video);
  return {
    roles,
    videoIndex,
    ...choice,
    rtxPayloadType: findRtx(video, fmtp, choice.payloadType),
    extensions,
    feedback: commonFeedback(video, choice.payloadType, extensions),
    remote: readRemote(offer, video),
    remoteSctpPort: control === undefined ? undefined : (control.sctpPort ?? 5000),
  };
}

/** RFC 9429 section 5.1.2: each of these names means RTP over DTLS-SRTP with feedback. */
const MEDIA_PROTOCOL = /^((UDP\/TLS|TCP\/DTLS)\/RTP\/SAVPF?|RTP\/S?AVPF?)$/;

function receivesVideo({ kind, protocol, direction, port, bundleOnly }: OfferSection): boolean {
  const receives = direction === 'recvonly' || direction === 'sendrecv';
  return kind === 'video' && MEDIA_PROTOCOL.test(protocol) && receives && (port !== 0 || bundleOnly);
}

/** One transport carries everything: rejects sections outside the video's bundle, and every further video. */
function roleOf(offer: Offer, section: OfferSection, isVideo: boolean, video: OfferSection): SectionRole {
  if (isVideo) return 'video';
  const bundled = [section, video].every(({ mid }) => mid !== undefined && offer.bundle.includes(mid));
  if (!bundled || (section.port === 0 && !section.bundleOnly)) return 'rejected';
  if (section.kind === 'audio' && section.rtpmap.size > 0) return 'audio';
  const isControl = section.kind === 'application' && section.protocol.endsWith('DTLS/SCTP');
  const first = offer.sections.find(({ kind }) => kind === 'application') === section;
  return isControl && first ? 'control' : 'rejected';
}

/** The first payload type in the offer's order that fits our most preferred codec. */
function chooseCodec(
  { formats, rtpmap }: OfferSection,
  fmtp: Parameters,
  codecs: readonly VideoCodec[],
): Pick<Negotiation, 'codec' | 'payloadType' | 'fmtp'> | undefined {
  for (const codec of codecs) {
    const candidates = formats.filter((format) => rtpmap.get(format)?.toUpperCase() === `${codec}/90000`);
    const format = codec === 'VP8' ? candidates[0] : bestH264(candidates, fmtp);
    if (format !== undefined && isPayloadType(format)) {
      return { codec, payloadType: Number(format), fmtp: fmtp.get(format) ?? NO_PARAMETERS };
    }
  }
  return undefined;
}

/**
 * Prefers packetization mode 1 to 0, then constrained baseline to baseline. Without parameters the format is baseline
 * in mode 0 (RFC 6184 section 8.1).
 */
function bestH264(formats: readonly string[], fmtp: Parameters): string | undefined {
  const suits = (format: string, mode: string, profile: RegExp): boolean => {
    const parameters = fmtp.get(format) ?? NO_PARAMETERS;
    const profileAndLevel = (parameters.get('profile-level-id') ?? '42000a').toLowerCase();
    return (parameters.get('packetization-mode') ?? '0') === mode && profile.test(profileAndLevel);
  };
  for (const mode of ['1', '0']) {
    for (const profile of [/^42[c-f][0-9a-f]{3}$/, /^42[0-9a-f]{4}$/]) {
      const format = formats.find((candidate) => suits(candidate, mode, profile));
      if (format !== undefined) return format;
    }
  }
  return undefined;
}

/** Level 3.1, which every WebRTC decoder supports, where the offer names none. */
const LEVEL_UNKNOWN = 0x1f;

/** The level and packetization mode that a viewer offered. */
export function h264Of({ codec, fmtp }: Pick<Negotiation, 'codec' | 'fmtp'>): NegotiatedVideo['h264'] {
  if (codec !== 'H264') return undefined;
  const level = Number.parseInt(fmtp.get('profile-level-id')?.slice(4) ?? '', 16);
  const nalMaxBytes = fmtp.get('packetization-mode') === '1' ? undefined : LIMITS.rtpPayloadMaxBytes;
  return { nalMaxBytes, levelIdc: level || LEVEL_UNKNOWN };
}

/** Parameters by payload type. */
type Parameters = ReadonlyMap<string, ReadonlyMap<string, string>>;
const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

/** Parses each `a=fmtp` line once into names and values. */
function parametersOf({ fmtp }: OfferSection): Parameters {
  const pairs = (text: string): [string, string][] =>
    text.split(';').map((pair) => {
      const [name = '', value = ''] = pair.split('=', 2);
      return [name.trim().toLowerCase(), value.trim()];
    });
  return new Map([...fmtp].map(([format, text]) => [format, new Map(pairs(text))]));
}

function findRtx({ formats, rtpmap }: OfferSection, fmtp: Parameters, payloadType: number): number | undefined {
  const format = formats.find(
    (candidate) =>
      rtpmap.get(candidate)?.toLowerCase() === 'rtx/90000' && fmtp.get(candidate)?.get('apt') === String(payloadType),
  );
  return format !== undefined && isPayloadType(format) ? Number(format) : undefined;
}

function isPayloadType(format: string): boolean {
  return /^\d{1,3}$/.test(format) && Number(format) <= 127;
}

function commonExtensions(video: OfferSection): NegotiatedVideo['extensions'] {
  const found: NegotiatedVideo['extensions'] = {};
  for (const name of Object.keys(EXTENSION_URIS) as (keyof typeof EXTENSION_URIS)[]) {
    const id = video.extensions.get(EXTENSION_URIS[name]);
    if (id === undefined || id < 1 || id > EXTENSION_ID_MAX) continue;
    if (!Object.values(found).includes(id)) found[name] = id;
  }
  return found;
}

function commonFeedback(
  video: OfferSection,
  payloadType: number,
  extensions: NegotiatedVideo['extensions'],
): NegotiatedVideo['feedback'] {
  const offers = (value: string): boolean =>
    video.rtcpFeedback.some(
      (line) => line.value === value && (line.payloadType === '*' || line.payloadType === String(payloadType)),
    );
  return {
    nack: offers(FEEDBACK_VALUES.nack),
    pli: offers(FEEDBACK_VALUES.pli),
    fir: offers(FEEDBACK_VALUES.fir),
    // Without the extension there are no numbers to report, and the estimator would take silence for a dead path.
    transportCc: offers(FEEDBACK_VALUES.transportCc) && extensions.transportWideCc !== undefined,
    remb: offers(FEEDBACK_VALUES.remb),
  };
}

/** A bundled section may take its transport from the first of the group (RFC 9143 section 7.1.3). */
function readRemote(offer: Offer, video: OfferSection): Negotiation['remote'] {
  const tagged = offer.sections.find(({ mid }) => mid !== undefined && mid === offer.bundle[0]);
  const iceUfrag = video.iceUfrag ?? tagged?.iceUfrag;
  const icePassword = video.icePassword ?? tagged?.icePassword;
  if (iceUfrag === undefined || icePassword === undefined) throw invalid('ice-ufrag or ice-pwd is missing');
  const fingerprints = [video.fingerprints, tagged?.fingerprints ?? [], offer.fingerprints].find(
    ({ length }) => length > 0,
  );
  if (fingerprints === undefined) throw invalid('there is no sha-256, sha-384 or sha-512 fingerprint');
  return { iceUfrag, icePassword, fingerprints };
}
