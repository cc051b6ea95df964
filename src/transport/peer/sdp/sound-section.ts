/**
 * The section of an offer that takes our sound: Opus (RFC 7587), with redundancy (RFC 2198) where the client knows it.
 * Pure.
 */
import type { NegotiatedAudio, NegotiatedVideo } from '../../media-path.ts';
import { isPayloadType } from './codec-choice.ts';
import { EXTENSION_URIS, FEEDBACK_VALUES } from './feedback.ts';
import type { Offer, OfferSection, SectionRole } from './offer.ts';

export interface SoundNegotiation {
  /** Index of the section in the offer. */
  index: number;
  payloadType: number;
  redPayloadType: number | undefined;
  extensions: NegotiatedAudio['extensions'];
  transportCc: boolean;
}

/**
 * The first audio section that is answered and receives; undefined where there is none or it knows no Opus.
 * @param video the video's extensions: the two share one transport, so an id means the same in both
 * @param microphone section in which we receive sound: a client must not send redundant data there, which we do not read
 */
export function negotiateSound(
  offer: Offer,
  roles: readonly SectionRole[],
  video: NegotiatedVideo['extensions'],
  microphone?: number,
): SoundNegotiation | undefined {
  const index = offer.sections.findIndex((section, at) => roles[at] === 'audio' && receives(section));
  const section = offer.sections[index];
  if (!section?.rtcpMux) return undefined;
  const format = formatOf(section, /^opus\/48000\/2$/i);
  if (format === undefined) return undefined;
  const common = (uri: string, id: number | undefined): number | undefined =>
    section.extensions.get(uri) === id ? id : undefined;
  const extensions = {
    mid: common(EXTENSION_URIS.mid, video.mid),
    transportWideCc: common(EXTENSION_URIS.transportWideCc, video.transportWideCc),
    absSendTime: common(EXTENSION_URIS.absSendTime, video.absSendTime),
  };
  const named = Object.fromEntries(Object.entries(extensions).filter(([, id]) => id !== undefined));
  const feedback = section.rtcpFeedback.some(
    ({ payloadType, value }) =>
      value === FEEDBACK_VALUES.transportCc && (payloadType === '*' || payloadType === format),
  );
  const red = index === microphone ? undefined : section.formats.find((other) => isRedOf(section, other, format));
  return {
    index,
    payloadType: Number(format),
    redPayloadType: red === undefined ? undefined : Number(red),
    extensions: named,
    transportCc: feedback && extensions.transportWideCc !== undefined,
  };
}

const receives = ({ direction }: OfferSection): boolean => direction === 'recvonly' || direction === 'sendrecv';

const formatOf = ({ formats, rtpmap }: OfferSection, name: RegExp): string | undefined =>
  formats.find((format) => isPayloadType(format) && name.test(rtpmap.get(format) ?? ''));

/** `a=fmtp:63 111/111`: redundant data whose blocks are this Opus. */
function isRedOf({ rtpmap, fmtp }: OfferSection, format: string, opus: string): boolean {
  if (!isPayloadType(format) || !/^red\/48000\/2$/i.test(rtpmap.get(format) ?? '')) return false;
  return (fmtp.get(format) ?? '').split('/').every((block) => block.trim() === opus);
}
