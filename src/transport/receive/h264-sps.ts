/**
 * The picture size in an H.264 sequence parameter set (ITU-T H.264 section 7.3.2.1.1). Cropping only makes a picture
 * smaller, so the coded size is what bounds a decoder. Pure; reads a bounded number of bits, nothing throws.
 */
/** Profiles with chroma and scaling fields. */
const HIGH_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** Bytes read at most: sets of real encoders have under 100. */
const BYTES_MAX = 1_024;
const REFERENCES_IN_ORDER_MAX = 255;
const MACROBLOCK_PX = 16;

/** @param unit NAL unit with its header byte */
export function readSps(unit: Uint8Array): { widthPx: number; heightPx: number } | undefined {
  const bits = new Bits(unescaped(unit.subarray(1, BYTES_MAX)));
  const profile = bits.read(8);
  bits.read(16);
  bits.golomb();
  if (HIGH_PROFILES.has(profile)) skipHighFields(bits);
  bits.golomb();
  skipOrderCount(bits);
  bits.golomb();
  bits.read(1);
  const widthPx = (bits.golomb() + 1) * MACROBLOCK_PX;
  const mapUnits = bits.golomb() + 1;
  const framesOnly = bits.read(1) === 1;
  if (bits.ended) return undefined;
  return { widthPx, heightPx: mapUnits * MACROBLOCK_PX * (framesOnly ? 1 : 2) };
}

function skipHighFields(bits: Bits): void {
  const chromaFormat = bits.golomb();
  if (chromaFormat === 3) bits.read(1);
  bits.golomb();
  bits.golomb();
  bits.read(1);
  if (bits.read(1) === 0) return;
  for (let list = 0; list < (chromaFormat === 3 ? 12 : 8); list++)
    if (bits.read(1) === 1) skipScalingList(bits, list < 6 ? 16 : 64);
}

/** Section 7.3.2.1.1.1. */
function skipScalingList(bits: Bits, size: number): void {
  let last = 8;
  let next = 8;
  for (let index = 0; index < size && !bits.ended; index++) {
    if (next !== 0) next = (last + bits.signedGolomb() + 256) & 255;
    if (next !== 0) last = next;
  }
}

function skipOrderCount(bits: Bits): void {
  const type = bits.golomb();
  if (type === 0) bits.golomb();
  if (type !== 1) return;
  bits.read(1);
  bits.golomb();
  bits.golomb();
  const count = Math.min(bits.golomb(), REFERENCES_IN_ORDER_MAX);
  for (let index = 0; index < count && !bits.ended; index++) bits.golomb();
}

/** Drops emulation prevention bytes (section 7.4.1.1). */
function unescaped(bytes: Uint8Array): Uint8Array {
  const kept: number[] = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    kept.push(byte);
  }
  return Uint8Array.from(kept);
}

/** Reads zeros after the end. */
class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** More was read than there is. */
  get ended(): boolean {
    return this.#at > this.#bytes.length * 8;
  }

  read(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++) {
      value = value * 2 + (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
      this.#at += 1;
    }
    return value;
  }

  /** Exp-Golomb code (section 9.1); longer than 32 bits reads as the end. */
  golomb(): number {
    let zeros = 0;
    while (this.read(1) === 0) {
      zeros += 1;
      if (zeros > 31) {
        this.#at = Infinity;
        return 0;
      }
    }
    return 2 ** zeros - 1 + this.read(zeros);
  }

  signedGolomb(): number {
    const code = this.golomb();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }
}
