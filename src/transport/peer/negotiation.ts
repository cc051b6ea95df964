/**
 * Decides what an offer gets (RFC 3264, RFC 9429): which section carries our one video stream, its codec by our order
 * of preference, RTX, feedback and header extensions both sides know, and whether there is a data channel. Pure.
 */
import { GlimpseError } from '../../errors.ts';
import type { VideoCodec } from '../../media/encoder.ts';
import type { NegotiatedVideo } from '../media-path.ts';
import type { Fingerprint } from './dtls-certificate.ts';
import { invalid, type Offer, type OfferSection } from './offer.ts';

/** URIs by the name `NegotiatedVideo.extensions` gives them. */
export const EXTENSION_URIS = {
  mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
  transportWideCc: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  absSendTime: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  playoutDelay: 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
} as const;

/** `rtcp-fb` values by the name `NegotiatedVideo.feedback` gives them. */
export const FEEDBACK_VALUES = {
  nack: 'nack',
  pli: 'nack pli',
  fir: 'ccm fir',
  transportCc: 'transport-cc',
  remb: 'goog-remb',
} as const;

/** Header extension ids of the one-byte form (RFC 8285 section 4.2). */
const EXTENSION_ID_MAX = 14;

export type SectionRole = 'video' | 'audio' | 'control' | 'rejected';

export interface Negotiation {
  /** One per section of the offer, in its order. */
  roles: SectionRole[];
  videoIndex: number;
  codec: VideoCodec;
  payloadType: number;
  /** The offer's own `fmtp` parameters for the codec, to be repeated. */
  fmtp: string | undefined;
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
  if (video === undefined) throw invalid('no video section receives over UDP/TLS/RTP/SAVPF');
  if (!video.rtcpMux) throw invalid('rtcp-mux is required');
  if (video.setup === 'passive' || video.setup === 'holdconn') throw invalid('this server can only be DTLS passive');
  const choice = chooseCodec(video, codecs);
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
    rtxPayloadType: findRtx(video, choice.payloadType),
    extensions,
    feedback: commonFeedback(video, choice.payloadType, extensions),
    remote: readRemote(offer, video),
    remoteSctpPort: control === undefined ? undefined : (control.sctpPort ?? 5000),
  };
}

function receivesVideo({ kind, protocol, direction, port, bundleOnly }: OfferSection): boolean {
  const receives = direction === 'recvonly' || direction === 'sendrecv';
  return kind === 'video' && protocol.endsWith('TLS/RTP/SAVPF') && receives && (port !== 0 || bundleOnly);
}

/** All on one transport: whatever is not bundled with the video is rejected, and so is every further video. */
function roleOf(offer: Offer, section: OfferSection, isVideo: boolean, video: OfferSection): SectionRole {
  if (isVideo) return 'video';
  const bundled = [section, video].every(({ mid }) => mid !== undefined && offer.bundle.includes(mid));
  if (!bundled || (section.port === 0 && !section.bundleOnly)) return 'rejected';
  if (section.kind === 'audio' && section.rtpmap.size > 0) return 'audio';
  const isControl = section.kind === 'application' && section.protocol.endsWith('DTLS/SCTP');
  const first = offer.sections.find(({ kind }) => kind === 'application') === section;
  return isControl && first ? 'control' : 'rejected';
}

/** Payload types in the offer's order; the first that suits our most preferred codec. */
function chooseCodec(
  video: OfferSection,
  codecs: readonly VideoCodec[],
): Pick<Negotiation, 'codec' | 'payloadType' | 'fmtp'> | undefined {
  for (const codec of codecs) {
    const candidates = video.formats.filter((format) => video.rtpmap.get(format)?.toUpperCase() === `${codec}/90000`);
    const format = codec === 'VP8' ? candidates[0] : bestH264(video, candidates);
    if (format !== undefined && isPayloadType(format)) {
      return { codec, payloadType: Number(format), fmtp: codec === 'H264' ? video.fmtp.get(format) : undefined };
    }
  }
  return undefined;
}

/** Constrained baseline before baseline (RFC 6184 section 8.1), both with packetization-mode=1, since we send FU-A. */
function bestH264(video: OfferSection, formats: readonly string[]): string | undefined {
  const suits = (format: string, profile: RegExp): boolean => {
    const parameters = parametersOf(video, format);
    const level = (parameters.get('profile-level-id') ?? '420010').toLowerCase();
    return parameters.get('packetization-mode') === '1' && profile.test(level);
  };
  return (
    formats.find((format) => suits(format, /^42[c-f][0-9a-f]{3}$/)) ??
    formats.find((format) => suits(format, /^42[0-9a-f]{4}$/))
  );
}

/** `a=fmtp` as name and value. */
function parametersOf(video: OfferSection, format: string): ReadonlyMap<string, string> {
  const pairs = (video.fmtp.get(format) ?? '').split(';');
  return new Map(
    pairs.map((pair) => {
      const [name = '', value = ''] = pair.split('=');
      return [name.trim().toLowerCase(), value.trim()];
    }),
  );
}

function findRtx(video: OfferSection, payloadType: number): number | undefined {
  const format = video.formats.find(
    (candidate) =>
      video.rtpmap.get(candidate)?.toLowerCase() === 'rtx/90000' &&
      parametersOf(video, candidate).get('apt') === String(payloadType),
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
    // Without the extension packets carry no number to report on, and the estimator would take silence for a dead path.
    transportCc: offers(FEEDBACK_VALUES.transportCc) && extensions.transportWideCc !== undefined,
    remb: offers(FEEDBACK_VALUES.remb),
  };
}

/** A bundled section may leave its transport to the first of the group (RFC 9143 section 7.1.3). */
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
