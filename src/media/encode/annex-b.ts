/**
 * H.264 byte streams (ITU-T H.264 Annex B): NAL units after start codes. The ffmpeg child delivers length-prefixed
 * units with separate SPS and PPS (ISO/IEC 14496-15), and x264 puts an SEI note before the first picture; both are
 * converted here to what the packetizer expects.
 */
const START_CODE = Uint8Array.of(0, 0, 0, 1);

export const NAL_SEI = 6;
export const NAL_SPS = 7;
export const NAL_PPS = 8;

/** `nal_unit_type` of a NAL unit without its start code. */
export const nalType = (nal: Uint8Array): number => (nal[0] ?? 0) & 31;

/** The NAL units of an Annex B stream, without start codes, as views into `data`. */
export function nalUnits(data: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let start = -1;
  for (let at = 0; at + 2 < data.length; at += 1) {
    if (data[at] !== 0 || data[at + 1] !== 0 || data[at + 2] !== 1) continue;
    if (start >= 0) units.push(withoutTrailingZeros(data.subarray(start, at)));
    start = at + 3;
    at += 2;
  }
  if (start >= 0) units.push(data.subarray(start));
  return units;
}

/** A four-byte start code begins with a zero that looks like a trailing zero of the previous unit. */
function withoutTrailingZeros(nal: Uint8Array): Uint8Array {
  let end = nal.length;
  while (end > 0 && nal[end - 1] === 0) end -= 1;
  return nal.subarray(0, end);
}

/** Joins NAL units into one Annex B stream with four-byte start codes. */
export function annexB(units: readonly Uint8Array[]): Uint8Array {
  const bytes = units.reduce((sum, unit) => sum + START_CODE.length + unit.length, 0);
  const stream = new Uint8Array(bytes);
  let at = 0;
  for (const unit of units) {
    stream.set(START_CODE, at);
    stream.set(unit, at + START_CODE.length);
    at += START_CODE.length + unit.length;
  }
  return stream;
}

/** The NAL units of a sample with four-byte length prefixes, as views into `sample`. */
export function lengthPrefixedUnits(sample: Uint8Array): Uint8Array[] {
  const view = new DataView(sample.buffer, sample.byteOffset, sample.byteLength);
  const units: Uint8Array[] = [];
  for (let at = 0; at + 4 < sample.length;) {
    const bytes = view.getUint32(at);
    units.push(sample.subarray(at + 4, at + 4 + bytes));
    at += 4 + bytes;
  }
  return units;
}

/** SPS and PPS of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1), copied; stops where it is cut short. */
export function parameterSets(record: Uint8Array): Uint8Array[] {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const sets: Uint8Array[] = [];
  let at = 5;
  for (const mask of [31, 255]) {
    const count = (record[at] ?? 0) & mask;
    at += 1;
    for (let i = 0; i < count; i += 1) {
      if (at + 2 > record.length) return sets;
      const end = at + 2 + view.getUint16(at);
      if (end > record.length) return sets;
      sets.push(record.slice(at + 2, end));
      at = end;
    }
  }
  return sets;
}
