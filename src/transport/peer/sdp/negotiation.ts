/**
 * Decides what an offer gets (RFC 3264, RFC 9429): the section for our one video stream, its codec by our preference,
 * the section for our sound (sound-section.ts), the RTX, feedback and header extensions that both sides support, and
 * whether there is a data channel. Pure.
 */
import { GlimpseError } from '../../../errors.ts';
import type { VideoCodec } from '../../../media/encode/encoder.ts';
import type { NegotiatedVideo } from '../../media-path.ts';
import { chooseCodec, findRtx, parametersOf, type CodecChoice } from './codec-choice.ts';
import { commonExtensions, commonFeedback } from './feedback.ts';
import type { Fingerprint } from './fingerprint.ts';
import { negotiateInbound, type ReceiveOptions, type Received } from './inbound.ts';
import type { Offer, OfferSection, SectionRole } from './offer.ts';
import { invalid } from './offer-lines.ts';
import { negotiateSound, type SoundNegotiation } from './sound-section.ts';

export interface Negotiation extends CodecChoice {
  /** One per section of the offer, in order. */
  roles: SectionRole[];
  /** The video we send; of a client that only publishes, the video it sends. */
  videoIndex: number;
  /** False for a client that only publishes. */
  sends: boolean;
  /** What the client sends; undefined when nothing of it is wanted. */
  received: Received | undefined;
  rtxPayloadType: number | undefined;
  /** Undefined where we send no sound, or the client takes none. */
  sound: SoundNegotiation | undefined;
  extensions: NegotiatedVideo['extensions'];
  feedback: NegotiatedVideo['feedback'];
  remote: { iceUfrag: string; icePassword: string; fingerprints: Fingerprint[] };
  /** SCTP port of the client; undefined without a data channel section. */
  remoteSctpPort: number | undefined;
}

/**
 * @param codecs we can encode, preferred first; none: the client only publishes
 * @param receive what is wanted of what the client sends; default: nothing
 * @param sound whether there is sound to send
 * @throws GlimpseError SDP_INVALID, CODEC_UNSUPPORTED
 */
export function negotiate(
  offer: Offer,
  codecs: readonly VideoCodec[],
  receive?: ReceiveOptions,
  sound = false,
): Negotiation {
  const sends = codecs.length > 0;
  const videoIndex = offer.sections.findIndex(sends ? receivesVideo : sendsVideo);
  const video = offer.sections[videoIndex];
  if (video === undefined) throw invalid(`no video section ${sends ? 'receives' : 'sends'} RTP over DTLS`);
  if (!video.rtcpMux) throw invalid('rtcp-mux is required');
  if (video.setup === 'passive' || video.setup === 'holdconn') throw invalid('this server can only be DTLS passive');
  const fmtp = parametersOf(video);
  const isBundled = (section: OfferSection): boolean => bundled(offer, section, video);
  const received = receive && negotiateInbound(offer, { receive, videoIndex, sends, isBundled, codecs });
  const choice = sends ? chooseCodec(video, fmtp, codecs) : received?.video;
  if (choice === undefined) {
    throw new GlimpseError('CODEC_UNSUPPORTED', {
      details: { supported: [...(sends ? codecs : (receive?.codecs ?? []))] },
    });
  }
  const roles = offer.sections.map((section, index): SectionRole => {
    if (index === received?.video?.index && (index !== videoIndex || !sends)) return 'camera';
    return index === videoIndex ? 'video' : roleOf(offer, section, isBundled);
  });
  const control = offer.sections[roles.indexOf('control')];
  const extensions = commonExtensions(video);
  const { codec, payloadType } = choice;
  return {
    roles,
    videoIndex,
    sends,
    received,
    sound: sends && sound ? negotiateSound(offer, roles, extensions, received?.audio?.index) : undefined,
    codec,
    payloadType,
    fmtp: choice.fmtp,
    rtxPayloadType: findRtx(video, fmtp, payloadType),
    extensions,
    feedback: commonFeedback(video, payloadType, extensions),
    remote: readRemote(offer, video),
    remoteSctpPort: control === undefined ? undefined : (control.sctpPort ?? 5000),
  };
}

/** RFC 9429 section 5.1.2: each of these names means RTP over DTLS-SRTP with feedback. */
const MEDIA_PROTOCOL = /^((UDP\/TLS|TCP\/DTLS)\/RTP\/SAVPF?|RTP\/S?AVPF?)$/;

function receivesVideo(section: OfferSection): boolean {
  return isVideo(section) && (section.direction === 'recvonly' || section.direction === 'sendrecv');
}

function sendsVideo(section: OfferSection): boolean {
  return isVideo(section) && (section.direction === 'sendonly' || section.direction === 'sendrecv');
}

function isVideo({ kind, protocol, port, bundleOnly }: OfferSection): boolean {
  return kind === 'video' && MEDIA_PROTOCOL.test(protocol) && (port !== 0 || bundleOnly);
}

/** One transport carries everything. */
function bundled(offer: Offer, section: OfferSection, video: OfferSection): boolean {
  const named = [section, video].every(({ mid }) => mid !== undefined && offer.bundle.includes(mid));
  return named && (section.port !== 0 || section.bundleOnly);
}

/** Rejects sections outside the video's bundle, and every further video. */
function roleOf(offer: Offer, section: OfferSection, isBundled: (section: OfferSection) => boolean): SectionRole {
  if (!isBundled(section)) return 'rejected';
  if (section.kind === 'audio' && section.rtpmap.size > 0) return 'audio';
  const isControl = section.kind === 'application' && section.protocol.endsWith('DTLS/SCTP');
  const first = offer.sections.find(({ kind }) => kind === 'application') === section;
  return isControl && first ? 'control' : 'rejected';
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
