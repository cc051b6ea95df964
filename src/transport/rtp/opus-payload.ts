/**
 * The RTP payload of Opus (RFC 7587): one packet is one payload. With redundancy (RFC 2198) a payload carries the packet
 * before it as well, so that a single loss leaves no gap. Pure.
 */

/** Largest block and offset that a redundancy header can describe: 10 and 14 bits. */
const BLOCK_MAX_BYTES = 0x3ff;
const OFFSET_MAX = 0x3fff;
const BLOCK_HEADER_BYTES = 4;

export interface OpusBlock {
  data: Uint8Array;
  /** 48 kHz, 32 bits. */
  rtpTimestamp: number;
}

/**
 * @param payloadType of Opus itself, named in the headers of both blocks
 * @returns undefined where the earlier packet is too large or too old to be described
 */
export function redundantPayload(now: OpusBlock, before: OpusBlock, payloadType: number): Uint8Array | undefined {
  const offset = (now.rtpTimestamp - before.rtpTimestamp) >>> 0;
  const { length } = before.data;
  if (offset === 0 || offset > OFFSET_MAX || length === 0 || length > BLOCK_MAX_BYTES) return undefined;
  const payload = new Uint8Array(BLOCK_HEADER_BYTES + 1 + length + now.data.length);
  const fields = offset * 2 ** 10 + length;
  payload[0] = 0x80 | payloadType;
  payload[1] = fields >>> 16;
  payload[2] = fields >>> 8;
  payload[3] = fields;
  payload[4] = payloadType;
  payload.set(before.data, BLOCK_HEADER_BYTES + 1);
  payload.set(now.data, BLOCK_HEADER_BYTES + 1 + length);
  return payload;
}
