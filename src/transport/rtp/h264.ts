/**
 * H.264 over RTP (RFC 6184). Packetization mode 1: small NAL units travel alone, adjacent parameter sets share one
 * STAP-A, large units are split into FU-A fragments of nearly equal size. In mode 0 (single NAL unit, section 6.2)
 * every unit travels alone, and the encoder makes none larger than a packet. Pure.
 */
import { nalType, nalUnits, NAL_PPS, NAL_SPS } from '../../media/encode/annex-b.ts';
import type { RtpPayload } from './rtp-payload.ts';

const STAP_A = 24;
const FU_A = 28;
const NRI_MASK = 0x60;
const FU_START = 0x80;
const FU_END = 0x40;
const STAP_LENGTH_BYTES = 2;
/** Indicator and header of a fragment. */
const FU_HEADER_BYTES = 2;
/** Delimiters and filler carry no information that RTP lacks. */
const ACCESS_UNIT_DELIMITER = 9;
const FILLER = 12;
const NO_HEADER = new Uint8Array(0);

/**
 * @param accessUnit Annex B: NAL units after start codes
 * @param payloadMaxBytes largest RTP payload
 * @param singleNal packetization mode 0; still splits a unit that is too large, since depacketizers may accept FU-A
 */
export function packetizeH264(accessUnit: Uint8Array, payloadMaxBytes: number, singleNal = false): RtpPayload[] {
  const payloads: RtpPayload[] = [];
  let sets: Uint8Array[] = [];
  const flush = (): void => {
    if (sets.length > 0) payloads.push(whole(sets.length === 1 ? sets[0]! : aggregate(sets)));
    sets = [];
  };
  for (const unit of nalUnits(accessUnit)) {
    const type = nalType(unit);
    if (unit.length === 0 || type === ACCESS_UNIT_DELIMITER || type === FILLER) continue;
    const isSet = !singleNal && (type === NAL_SPS || type === NAL_PPS);
    if (!isSet || aggregateBytes([...sets, unit]) > payloadMaxBytes) flush();
    if (isSet && unit.length <= payloadMaxBytes) sets.push(unit);
    else if (unit.length <= payloadMaxBytes) payloads.push(whole(unit));
    else payloads.push(...fragment(unit, payloadMaxBytes));
  }
  flush();
  return payloads;
}

const whole = (data: Uint8Array): RtpPayload => ({ header: NO_HEADER, data, from: 0, to: data.length });

const aggregateBytes = (units: readonly Uint8Array[]): number =>
  units.reduce((sum, unit) => sum + STAP_LENGTH_BYTES + unit.length, 1);

/** STAP-A (section 5.7.1): its NRI is the highest of its units. */
function aggregate(units: readonly Uint8Array[]): Uint8Array {
  const payload = new Uint8Array(aggregateBytes(units));
  payload[0] = Math.max(...units.map((unit) => unit[0]! & NRI_MASK)) | STAP_A;
  let at = 1;
  for (const unit of units) {
    payload[at] = unit.length >> 8;
    payload[at + 1] = unit.length & 0xff;
    payload.set(unit, at + STAP_LENGTH_BYTES);
    at += STAP_LENGTH_BYTES + unit.length;
  }
  return payload;
}

/** FU-A (section 5.8): the fragments' indicator and header carry the unit's own header octet. */
function fragment(unit: Uint8Array, payloadMaxBytes: number): RtpPayload[] {
  const first = unit[0]!;
  const body = unit.subarray(1);
  const count = Math.ceil(body.length / (payloadMaxBytes - FU_HEADER_BYTES));
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((body.length * index) / count);
    const to = Math.floor((body.length * (index + 1)) / count);
    const ends = (index === 0 ? FU_START : 0) | (index === count - 1 ? FU_END : 0);
    const header = Uint8Array.of((first & 0xe0) | FU_A, ends | (first & 31));
    return { header, data: body, from, to };
  });
}
