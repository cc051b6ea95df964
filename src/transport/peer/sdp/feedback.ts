/** RTCP feedback and RTP header extensions that both sides support. Pure. */
import type { NegotiatedVideo } from '../../media-path.ts';
import type { OfferSection } from './offer.ts';

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

export function commonExtensions(video: OfferSection): NegotiatedVideo['extensions'] {
  const found: NegotiatedVideo['extensions'] = {};
  for (const name of Object.keys(EXTENSION_URIS) as (keyof typeof EXTENSION_URIS)[]) {
    const id = video.extensions.get(EXTENSION_URIS[name]);
    if (id === undefined || id < 1 || id > EXTENSION_ID_MAX) continue;
    if (!Object.values(found).includes(id)) found[name] = id;
  }
  return found;
}

export function commonFeedback(
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
