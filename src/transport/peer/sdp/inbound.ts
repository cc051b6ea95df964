/**
 * What a client may send to us (RFC 3264): one video, one Opus stream. The answer names one codec for it, so that the
 * codec cannot change in mid-stream; simulcast layers and further sections are not accepted. Orientation (CVO) is not
 * negotiated: the sender then turns its pictures itself (3GPP TS 26.114 section 7.4.5). Pure.
 */
import type { VideoCodec } from '../../../media/encode/encoder.ts';
import type { InboundVideo } from '../../media-path.ts';
import {
  chooseCodec,
  DECODED_PROFILES,
  findRtx,
  isPayloadType,
  parametersOf,
  type CodecChoice,
} from './codec-choice.ts';
import { commonExtensions, commonFeedback } from './feedback.ts';
import type { Direction, Offer, OfferSection } from './offer.ts';

export interface ReceiveOptions {
  /** Codecs we can decode, preferred first; none: no video. */
  codecs: readonly VideoCodec[];
  /** Whether Opus is taken. */
  audio: boolean;
}

export interface ReceivedVideo extends CodecChoice, InboundVideo {
  /** Section of the offer. */
  index: number;
}

export interface Received {
  video: ReceivedVideo | undefined;
  audio: { index: number; payloadType: number } | undefined;
  transportWideCc: number | undefined;
}

export interface InboundContext {
  receive: ReceiveOptions;
  /** Section of the video we send, or of a publisher's video. */
  videoIndex: number;
  sends: boolean;
  isBundled: (section: OfferSection) => boolean;
  /** Codecs we send; in a section of both directions the client sends the same. */
  codecs: readonly VideoCodec[];
}

const OPUS = 'OPUS/48000/2';
const sends = (direction: Direction): boolean => direction === 'sendonly' || direction === 'sendrecv';

export function negotiateInbound(offer: Offer, context: InboundContext): Received | undefined {
  const video = findVideo(offer, context);
  const audio = context.receive.audio ? findOpus(offer, context) : undefined;
  if (video === undefined && audio === undefined) return undefined;
  const section = offer.sections[video?.index ?? -1];
  const { transportWideCc } = section === undefined ? {} : commonExtensions(section);
  return { video, audio, transportWideCc: video?.feedback.transportCc === true ? transportWideCc : undefined };
}

/** A section that only sends is a camera's own; else the client sends in the section that it receives in. */
function findVideo(offer: Offer, context: InboundContext): ReceivedVideo | undefined {
  const { receive, videoIndex, isBundled } = context;
  const own = offer.sections.findIndex(
    (section) => section.kind === 'video' && section.direction === 'sendonly' && isBundled(section),
  );
  const index = own === -1 || !context.sends ? videoIndex : own;
  const section = offer.sections[index];
  if (section === undefined || !sends(section.direction)) return undefined;
  const fmtp = parametersOf(section);
  const both = context.sends && index === videoIndex;
  const choice = both
    ? chooseCodec(section, fmtp, context.codecs)
    : chooseCodec(section, fmtp, receive.codecs, DECODED_PROFILES);
  if (choice === undefined || !receive.codecs.includes(choice.codec)) return undefined;
  const { nack, pli, fir, transportCc } = commonFeedback(section, choice.payloadType, commonExtensions(section));
  return {
    ...choice,
    index,
    rtxPayloadType: findRtx(section, fmtp, choice.payloadType),
    feedback: { nack, pli, fir, transportCc },
  };
}

function findOpus(offer: Offer, { isBundled }: InboundContext): Received['audio'] {
  const index = offer.sections.findIndex((section) => section.kind === 'audio' && isBundled(section));
  const section = offer.sections[index];
  if (section === undefined || !sends(section.direction)) return undefined;
  const format = section.formats.find((candidate) => section.rtpmap.get(candidate)?.toUpperCase() === OPUS);
  return format === undefined || !isPayloadType(format) ? undefined : { index, payloadType: Number(format) };
}
