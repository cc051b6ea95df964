/**
 * H.264 from RTP (RFC 6184): single NAL units, STAP-A (section 5.7.1) and FU-A (section 5.8), joined to one access unit
 * in Annex B form. Other packet types belong to the interleaved mode, which the answer excludes. Pure.
 */
import { annexB, nalType, NAL_SPS } from '../../media/encode/annex-b.ts';
import { concat, type Depacketizer } from './depacketizer.ts';

const STAP_A = 24;
const FU_A = 28;
const FU_START = 0x80;
const FU_END = 0x40;
const FU_HEADER_BYTES = 2;
const STAP_LENGTH_BYTES = 2;
const NAL_SLICE_MIN = 1;
const NAL_IDR = 5;
/** Units of one access unit: slices of 1080p and parameter sets stay far below. */
const UNITS_MAX = 256;

export class H264Depacketizer implements Depacketizer {
  #units: Uint8Array[] = [];
  #fragments: Uint8Array[] | undefined;

  push(payload: Uint8Array): boolean {
    const type = nalType(payload);
    if (this.#fragments !== undefined && type !== FU_A) return false;
    if (type === FU_A) return this.#pushFragment(payload);
    if (type === STAP_A) {
      const units = aggregated(payload);
      return units !== undefined && units.every((unit) => this.#pushUnit(unit));
    }
    return type >= NAL_SLICE_MIN && type < STAP_A && this.#pushUnit(payload);
  }

  finish(): { data: Uint8Array; keyframe: boolean } | undefined {
    const units = this.#fragments === undefined ? this.#units : [];
    this.reset();
    if (!units.some((unit) => isSlice(nalType(unit)))) return undefined;
    return { data: annexB(units), keyframe: units.some((unit) => nalType(unit) === NAL_IDR) };
  }

  reset(): void {
    this.#units = [];
    this.#fragments = undefined;
  }

  #pushUnit(unit: Uint8Array): boolean {
    if (this.#units.length >= UNITS_MAX) return false;
    this.#units.push(unit);
    return true;
  }

  #pushFragment(payload: Uint8Array): boolean {
    if (payload.length <= FU_HEADER_BYTES) return false;
    const header = payload[1]!;
    const starts = (header & FU_START) !== 0;
    if (starts !== (this.#fragments === undefined)) return false;
    const fragments = this.#fragments ?? [Uint8Array.of((payload[0]! & 0xe0) | (header & 31))];
    fragments.push(payload.subarray(FU_HEADER_BYTES));
    const ends = (header & FU_END) !== 0;
    this.#fragments = ends ? undefined : fragments;
    return !ends || this.#pushUnit(concat(fragments));
  }
}

/**
 * Whether an access unit that needs no earlier one begins with this payload: at its parameter sets, or at the first
 * slice of its IDR picture.
 */
export function startsH264Keyframe(payload: Uint8Array): boolean {
  const type = nalType(payload);
  if (type === STAP_A) return aggregated(payload)?.some(beginsKeyframe) ?? false;
  if (type !== FU_A) return beginsKeyframe(payload);
  const header = payload[1] ?? 0;
  return (header & FU_START) !== 0 && (header & 31) === NAL_IDR && isFirstSlice(payload[FU_HEADER_BYTES]);
}

const beginsKeyframe = (unit: Uint8Array): boolean =>
  nalType(unit) === NAL_SPS || (nalType(unit) === NAL_IDR && isFirstSlice(unit[1]));

/** The slice header begins with `first_mb_in_slice`, whose zero is a single 1 bit (ITU-T H.264 sections 7.3.3, 9.1). */
const isFirstSlice = (byte: number | undefined): boolean => ((byte ?? 0) & 0x80) !== 0;

const isSlice = (type: number): boolean => type >= NAL_SLICE_MIN && type <= NAL_IDR;

function aggregated(payload: Uint8Array): Uint8Array[] | undefined {
  const units: Uint8Array[] = [];
  let at = 1;
  while (at < payload.length) {
    if (at + STAP_LENGTH_BYTES > payload.length || units.length >= UNITS_MAX) return undefined;
    const from = at + STAP_LENGTH_BYTES;
    const end = from + ((payload[at]! << 8) | payload[at + 1]!);
    if (end > payload.length || end === from) return undefined;
    units.push(payload.subarray(from, end));
    at = end;
  }
  return units.length === 0 ? undefined : units;
}
