/** Which of an offer's formats is used: codec, payload type, parameters, and the RTX that repairs it. Pure. */
import { LIMITS } from '../../../limits.ts';
import type { VideoCodec } from '../../../media/encode/encoder.ts';
import type { NegotiatedVideo } from '../../media-path.ts';
import type { OfferSection } from './offer.ts';

export interface CodecChoice {
  codec: VideoCodec;
  payloadType: number;
  /** The offer's own `fmtp` parameters for the codec. */
  fmtp: ReadonlyMap<string, string>;
}

/** `profile-level-id` of what we encode: constrained baseline before baseline. */
const ENCODED_PROFILES = [/^42[c-f][0-9a-f]{3}$/, /^42[0-9a-f]{4}$/];
/** What we decode: also main and high. */
export const DECODED_PROFILES = [...ENCODED_PROFILES, /^(4d|64)[0-9a-f]{4}$/];

/** The first payload type in the offer's order that fits our most preferred codec. */
export function chooseCodec(
  { formats, rtpmap }: OfferSection,
  fmtp: Parameters,
  codecs: readonly VideoCodec[],
  profiles: readonly RegExp[] = ENCODED_PROFILES,
): CodecChoice | undefined {
  for (const codec of codecs) {
    const candidates = formats.filter((format) => rtpmap.get(format)?.toUpperCase() === `${codec}/90000`);
    const format = codec === 'VP8' ? candidates[0] : bestH264(candidates, fmtp, profiles);
    if (format !== undefined && isPayloadType(format)) {
      return { codec, payloadType: Number(format), fmtp: fmtp.get(format) ?? NO_PARAMETERS };
    }
  }
  return undefined;
}

/**
 * Prefers packetization mode 1 to 0, then the earlier of `profiles`. Without parameters the format is baseline
 * in mode 0 (RFC 6184 section 8.1).
 */
function bestH264(formats: readonly string[], fmtp: Parameters, profiles: readonly RegExp[]): string | undefined {
  const suits = (format: string, mode: string, profile: RegExp): boolean => {
    const parameters = fmtp.get(format) ?? NO_PARAMETERS;
    const profileAndLevel = (parameters.get('profile-level-id') ?? '42000a').toLowerCase();
    return (parameters.get('packetization-mode') ?? '0') === mode && profile.test(profileAndLevel);
  };
  for (const mode of ['1', '0']) {
    for (const profile of profiles) {
      const format = formats.find((candidate) => suits(candidate, mode, profile));
      if (format !== undefined) return format;
    }
  }
  return undefined;
}

/** Level 3.1, which every WebRTC decoder supports, where the offer names none. */
const LEVEL_UNKNOWN = 0x1f;

/** The level and packetization mode that a viewer offered. */
export function h264Of({ codec, fmtp }: Pick<CodecChoice, 'codec' | 'fmtp'>): NegotiatedVideo['h264'] {
  if (codec !== 'H264') return undefined;
  const level = Number.parseInt(fmtp.get('profile-level-id')?.slice(4) ?? '', 16);
  const nalMaxBytes = fmtp.get('packetization-mode') === '1' ? undefined : LIMITS.rtpPayloadMaxBytes;
  return { nalMaxBytes, levelIdc: level || LEVEL_UNKNOWN };
}

/** Parameters by payload type. */
export type Parameters = ReadonlyMap<string, ReadonlyMap<string, string>>;
const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

/** Parses each `a=fmtp` line once into names and values. */
export function parametersOf({ fmtp }: OfferSection): Parameters {
  const pairs = (text: string): [string, string][] =>
    text.split(';').map((pair) => {
      const [name = '', value = ''] = pair.split('=', 2);
      return [name.trim().toLowerCase(), value.trim()];
    });
  return new Map([...fmtp].map(([format, text]) => [format, new Map(pairs(text))]));
}

export function findRtx({ formats, rtpmap }: OfferSection, fmtp: Parameters, payloadType: number): number | undefined {
  const format = formats.find(
    (candidate) =>
      rtpmap.get(candidate)?.toLowerCase() === 'rtx/90000' && fmtp.get(candidate)?.get('apt') === String(payloadType),
  );
  return format !== undefined && isPayloadType(format) ? Number(format) : undefined;
}

export function isPayloadType(format: string): boolean {
  return /^\d{1,3}$/.test(format) && Number(format) <= 127;
}
