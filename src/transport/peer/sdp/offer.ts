/**
 * Parses an SDP offer (RFC 8866, RFC 9429) into the facts that an answer needs. The only parser of offers: it reads each
 * line once, so its cost is linear in the offer's size. Ignores unknown attributes, and refuses what is too large or
 * cannot be answered safely. Skips candidates: an ICE-lite agent sends to none (RFC 8445 section 2.5). Pure.
 */
import { LIMITS } from '../../../limits.ts';
import { FINGERPRINT_HASHES, type Fingerprint } from './fingerprint.ts';
import { invalid, linesOf, tooLarge } from './offer-lines.ts';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** `video`: the section of the video we send. `camera`: one that only the client sends in. */
export type SectionRole = 'video' | 'camera' | 'audio' | 'control' | 'rejected';

/** One `m=` section. */
export interface OfferSection {
  kind: string;
  port: number;
  protocol: string;
  formats: string[];
  mid: string | undefined;
  direction: Direction;
  bundleOnly: boolean;
  rtcpMux: boolean;
  /** Reduced-size RTCP (RFC 5506). */
  rtcpRsize: boolean;
  setup: string | undefined;
  iceUfrag: string | undefined;
  icePassword: string | undefined;
  fingerprints: Fingerprint[];
  /** Payload type → `VP8/90000`. */
  rtpmap: Map<string, string>;
  /** Payload type → parameters. */
  fmtp: Map<string, string>;
  /** `payloadType value` pairs; the type may be `*`. */
  rtcpFeedback: { payloadType: string; value: string }[];
  /** Extension URI → id. */
  extensions: Map<string, number>;
  sctpPort: number | undefined;
}

export interface Offer {
  sections: OfferSection[];
  /** mids of the first BUNDLE group (RFC 9143). */
  bundle: string[];
  /** Of the session; they apply to sections that have none (RFC 8122 section 5). */
  fingerprints: Fingerprint[];
  extmapAllowMixed: boolean;
}

const MEDIA_LINE = /^m=([a-z]+) (\d{1,5})(?:\/\d+)? ([A-Za-z/]+)((?: [!-~]+)*)$/;
/** `token` of RFC 8866, at most as long as fits a one-byte header extension. */
const MID = /^[!#-'*+\-.0-9A-Z^-~]{1,16}$/;
/** RFC 8839 section 5.4 allows letters, digits, `+` and `/`; some stacks use the other base64 characters too. */
const ICE_UFRAG = /^[\w+/=-]{4,256}$/;
const ICE_PASSWORD = /^[\w+/=-]{22,256}$/;
const FINGERPRINT_VALUE = /^[0-9A-F]{2}(?::[0-9A-F]{2}){31,63}$/;
const DIRECTIONS: readonly string[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

/** @throws GlimpseError SDP_INVALID, SDP_TOO_LARGE; the message names limits, never content */
export function readOffer(sdp: string): Offer {
  /** Session-level attributes are the defaults of every section. */
  const defaults = emptySection('session', 0, '', []);
  const offer: Offer = { sections: [], bundle: [], fingerprints: defaults.fingerprints, extmapAllowMixed: false };
  let section = defaults;
  for (const line of linesOf(sdp)) {
    if (line.startsWith('m=')) {
      if (offer.sections.length >= LIMITS.sdpMaxMediaSections)
        throw tooLarge('media sections', LIMITS.sdpMaxMediaSections);
      section = readMediaLine(line, defaults);
      offer.sections.push(section);
    } else if (line.startsWith('a=')) {
      const colon = line.indexOf(':');
      const name = colon < 0 ? line.slice(2) : line.slice(2, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1);
      if (section === defaults) readSessionAttribute(offer, name, value);
      readAttribute(section, name, value);
    }
  }
  if (offer.sections.length === 0) throw invalid('it has no media section');
  return offer;
}

function emptySection(kind: string, port: number, protocol: string, formats: string[]): OfferSection {
  return {
    kind,
    port,
    protocol,
    formats,
    mid: undefined,
    direction: 'sendrecv',
    bundleOnly: false,
    rtcpMux: false,
    rtcpRsize: false,
    setup: undefined,
    iceUfrag: undefined,
    icePassword: undefined,
    fingerprints: [],
    rtpmap: new Map(),
    fmtp: new Map(),
    rtcpFeedback: [],
    extensions: new Map(),
    sctpPort: undefined,
  };
}

function readMediaLine(line: string, defaults: OfferSection): OfferSection {
  const match = MEDIA_LINE.exec(line);
  if (match === null) throw invalid('a media line cannot be read');
  const [, kind = '', port, protocol = '', formats = ''] = match;
  const { direction, setup, iceUfrag, icePassword } = defaults;
  const named = formats.trim().split(' ', LIMITS.sdpMaxFormats + 1);
  if (named.length > LIMITS.sdpMaxFormats)
    throw invalid(`a media line names more than ${LIMITS.sdpMaxFormats} formats`);
  const section = emptySection(kind, Number(port), protocol, [...new Set(named)]);
  return Object.assign(section, { direction, setup, iceUfrag, icePassword });
}

function readSessionAttribute(offer: Offer, name: string, value: string): void {
  if (name === 'extmap-allow-mixed') offer.extmapAllowMixed = true;
  else if (name === 'ice-lite') throw invalid('both sides would be ICE-lite');
  else if (name === 'group' && value.startsWith('BUNDLE ') && offer.bundle.length === 0) {
    offer.bundle = value.slice('BUNDLE '.length).split(' ', LIMITS.sdpMaxMediaSections);
  }
}

function readAttribute(section: OfferSection, name: string, value: string): void {
  switch (name) {
    case 'mid':
      if (!MID.test(value)) throw invalid('a mid is not a token of 1 to 16 characters');
      section.mid = value;
      return;
    case 'bundle-only':
      section.bundleOnly = true;
      return;
    case 'rtcp-mux':
      section.rtcpMux = true;
      return;
    case 'rtcp-rsize':
      section.rtcpRsize = true;
      return;
    case 'setup':
      section.setup = value;
      return;
    case 'ice-ufrag':
      if (!ICE_UFRAG.test(value)) throw invalid('ice-ufrag is malformed');
      section.iceUfrag = value;
      return;
    case 'ice-pwd':
      if (!ICE_PASSWORD.test(value)) throw invalid('ice-pwd is malformed');
      section.icePassword = value;
      return;
    case 'fingerprint':
      return addFingerprint(section, value);
    case 'rtpmap':
      return addKeyed(section.rtpmap, value);
    case 'fmtp':
      if (value.length > LIMITS.sdpMaxFmtpChars)
        throw invalid(`an fmtp line has more than ${LIMITS.sdpMaxFmtpChars} characters`);
      return addKeyed(section.fmtp, value);
    case 'rtcp-fb':
      return addFeedback(section, value);
    case 'extmap':
      return addExtension(section, value);
    case 'sctp-port':
      section.sctpPort = readPort(value);
      return;
    default:
      if (DIRECTIONS.includes(name)) section.direction = name as Direction;
  }
}

/** Skips hash functions that we do not accept: a browser may list several. */
function addFingerprint(section: OfferSection, value: string): void {
  const [name = '', digest = ''] = value.trim().split(/ +/, 2);
  const hash = FINGERPRINT_HASHES.find((known) => known === name.toLowerCase());
  if (hash === undefined) return;
  const upper = digest.toUpperCase();
  if (!FINGERPRINT_VALUE.test(upper)) throw invalid('a fingerprint is malformed');
  section.fingerprints.push({ hash, value: upper });
}

/** `96 VP8/90000`: of several lines for one payload type the first counts. */
function addKeyed(map: Map<string, string>, value: string): void {
  const space = value.indexOf(' ');
  const key = value.slice(0, space);
  if (space > 0 && !map.has(key)) map.set(key, value.slice(space + 1).trim());
}

function addFeedback(section: OfferSection, value: string): void {
  const space = value.indexOf(' ');
  if (space < 0) return;
  section.rtcpFeedback.push({ payloadType: value.slice(0, space), value: value.slice(space + 1).trim() });
}

function addExtension(section: OfferSection, value: string): void {
  const [id = '', uri = ''] = value.split(' ');
  const number = Number(id.split('/')[0]);
  if (Number.isInteger(number) && uri !== '' && !section.extensions.has(uri)) section.extensions.set(uri, number);
}

function readPort(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('a port is out of range');
  return port;
}
