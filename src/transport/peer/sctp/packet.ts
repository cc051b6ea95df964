/**
 * Parses an SCTP packet (RFC 9260 section 3) by chunk and parameter before any library does. Each length covers its own
 * header and ends inside its container; counts are bounded. The work is linear in bytes. Pure.
 */

export const CHUNK = {
  data: 0,
  init: 1,
  initAck: 2,
  sack: 3,
  heartbeat: 4,
  heartbeatAck: 5,
  abort: 6,
  shutdown: 7,
  shutdownAck: 8,
  error: 9,
  cookieEcho: 10,
  cookieAck: 11,
  shutdownComplete: 14,
  reconfig: 130,
  forwardTsn: 192,
} as const;

export interface SctpChunk {
  type: number;
  flags: number;
  /** Without the four header bytes and without padding. */
  body: Buffer;
}

export interface SctpPacket {
  verificationTag: number;
  chunks: SctpChunk[];
}

const COMMON_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 4;
const PARAMETER_HEADER_BYTES = 4;
/** The largest packet of a WebRTC stack is under 1,300 bytes (RFC 8831 section 5). */
export const PACKET_MAX_BYTES = 2_048;
/** A packet of that size full of one-byte messages has 64 chunks. */
const CHUNKS_MAX = 64;
/** INIT of usrsctp and dcsctp has under a dozen; ABORT and ERROR list causes. */
const PARAMETERS_MAX = 32;
/** RFC 6525 section 3.1: a RE-CONFIG holds one or two parameters, each of which is answered. */
const RECONFIG_PARAMETERS_MAX = 2;

/** Bytes of fixed fields before the parameters of a chunk; lists only chunk types with parameters. */
const PARAMETERS_AT: Readonly<Record<number, number>> = {
  [CHUNK.init]: 16,
  [CHUNK.initAck]: 16,
  [CHUNK.heartbeat]: 0,
  [CHUNK.heartbeatAck]: 0,
  [CHUNK.abort]: 0,
  [CHUNK.error]: 0,
  [CHUNK.reconfig]: 0,
};

/** The packet's chunks; undefined when a length or count is invalid. */
export function readPacket(packet: Buffer): SctpPacket | undefined {
  if (packet.length < COMMON_HEADER_BYTES + CHUNK_HEADER_BYTES || packet.length > PACKET_MAX_BYTES) return undefined;
  const chunks: SctpChunk[] = [];
  for (let at = COMMON_HEADER_BYTES; at < packet.length;) {
    const chunk = chunkAt(packet, at);
    if (chunk === undefined || chunks.length >= CHUNKS_MAX) return undefined;
    chunks.push(chunk);
    at += padded(CHUNK_HEADER_BYTES + chunk.body.length);
  }
  return { verificationTag: packet.readUInt32BE(4), chunks };
}

function chunkAt(packet: Buffer, at: number): SctpChunk | undefined {
  if (at + CHUNK_HEADER_BYTES > packet.length) return undefined;
  const length = packet.readUInt16BE(at + 2);
  if (length < CHUNK_HEADER_BYTES || at + length > packet.length) return undefined;
  const type = packet[at]!;
  const body = packet.subarray(at + CHUNK_HEADER_BYTES, at + length);
  const parametersAt = PARAMETERS_AT[type];
  if (parametersAt !== undefined) {
    const max = type === CHUNK.reconfig ? RECONFIG_PARAMETERS_MAX : PARAMETERS_MAX;
    if (body.length < parametersAt || !hasParameters(body.subarray(parametersAt), max)) return undefined;
  }
  return { type, flags: packet[at + 1]!, body };
}

/** Error causes (RFC 9260 section 3.3.10) have the form of parameters. */
function hasParameters(bytes: Buffer, max: number): boolean {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    if (count >= max || at + PARAMETER_HEADER_BYTES > bytes.length) return false;
    const length = bytes.readUInt16BE(at + 2);
    if (length < PARAMETER_HEADER_BYTES || at + length > bytes.length) return false;
    at += padded(length);
  }
  return true;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
