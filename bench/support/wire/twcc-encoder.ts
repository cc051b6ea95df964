/** Writes transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) the way a receiver would. */
export interface TwccArrival {
  /** Any integer; 16 bits of it are written. */
  sequence: number;
  /** Receiver's clock in µs; undefined: not received. Resolution is 250 µs. */
  arrivedAtUs: number | undefined;
}

export type ChunkStyle = 'run' | 'oneBit' | 'twoBit';

/** @param arrivals consecutive packets, at least one. @param style chunk form; one-bit falls back to two-bit for large deltas. */
export function encodeTwcc(
  arrivals: readonly TwccArrival[],
  { feedbackCount = 0, style = 'run' }: { feedbackCount?: number; style?: ChunkStyle } = {},
): Uint8Array {
  const firstArrivalUs = arrivals.find((arrival) => arrival.arrivedAtUs !== undefined)?.arrivedAtUs ?? 0;
  const referenceTime = Math.floor(firstArrivalUs / 64_000);
  let ticks = referenceTime * 256;
  const symbols: number[] = [];
  const deltas: number[] = [];
  for (const { arrivedAtUs } of arrivals) {
    if (arrivedAtUs === undefined) {
      symbols.push(0);
      continue;
    }
    const delta = Math.round(arrivedAtUs / 250) - ticks;
    ticks += delta;
    if (delta >= 0 && delta <= 255) {
      symbols.push(1);
      deltas.push(delta);
    } else {
      symbols.push(2);
      deltas.push((delta >> 8) & 0xff, delta & 0xff);
    }
  }
  const chunks = chunksOf(symbols, style);
  const bytes = new Uint8Array(8 + chunks.length * 2 + deltas.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, arrivals[0]!.sequence & 0xffff);
  view.setUint16(2, arrivals.length);
  view.setUint32(4, (((referenceTime & 0xff_ffff) << 8) | (feedbackCount & 0xff)) >>> 0);
  chunks.forEach((chunk, index) => view.setUint16(8 + index * 2, chunk));
  bytes.set(deltas, 8 + chunks.length * 2);
  return bytes;
}

function chunksOf(symbols: readonly number[], style: ChunkStyle): number[] {
  const chunks: number[] = [];
  let at = 0;
  while (at < symbols.length) {
    if (style === 'run') {
      let run = 1;
      while (run < 0x1fff && symbols[at + run] === symbols[at]) run += 1;
      chunks.push((symbols[at]! << 13) | run);
      at += run;
      continue;
    }
    const oneBit = style === 'oneBit' && symbols.slice(at, at + 14).every((symbol) => symbol < 2);
    const perChunk = oneBit ? 14 : 7;
    let chunk = oneBit ? 0x8000 : 0xc000;
    for (let index = 0; index < perChunk; index++) {
      chunk |= (symbols[at + index] ?? 0) << (oneBit ? 13 - index : 12 - 2 * index);
    }
    chunks.push(chunk);
    at += perChunk;
  }
  return chunks;
}
