/**
 * RTP packets as received: fixed header, contributing sources, header extensions in the one-byte and two-byte forms
 * (RFC 8285), padding (RFC 3550 section 5.1). Input comes from the network: malformed input yields undefined, every
 * read is bounded by the packet, and nothing throws. Pure.
 */
export interface RtpPacket {
  payloadType: number;
  marker: boolean;
  /** 16 bits. */
  sequenceNumber: number;
  /** 32 bits. */
  rtpTimestamp: number;
  ssrc: number;
  /** Empty without header extensions. */
  extensions: HeaderExtensions;
  /** Without padding; may be empty. A view into the packet. */
  payload: Uint8Array;
}

/** The elements of one packet, found by id. */
export interface HeaderExtensions {
  form: 'none' | 'oneByte' | 'twoByte';
  bytes: Uint8Array;
}

const FIXED_BYTES = 12;
const EXTENSION_HEAD_BYTES = 4;
const ONE_BYTE_PROFILE = 0xbede;
/** The low four bits are for the application. */
const TWO_BYTE_PROFILE = 0x1000;
/** In the one-byte form this id ends the list. */
const ID_STOP = 15;
const NONE: HeaderExtensions = { form: 'none', bytes: new Uint8Array(0) };

/** Bytes before the payload, which SRTP authenticates but does not encrypt; undefined when there is no RTP header. */
export function rtpHeaderBytes(packet: Uint8Array): number | undefined {
  if (packet.length < FIXED_BYTES || packet[0]! >> 6 !== 2) return undefined;
  const fixed = FIXED_BYTES + 4 * (packet[0]! & 15);
  if ((packet[0]! & 0x10) === 0) return fixed <= packet.length ? fixed : undefined;
  if (fixed + EXTENSION_HEAD_BYTES > packet.length) return undefined;
  const bytes = fixed + EXTENSION_HEAD_BYTES + 4 * ((packet[fixed + 2]! << 8) | packet[fixed + 3]!);
  return bytes <= packet.length ? bytes : undefined;
}

export function parseRtp(packet: Uint8Array): RtpPacket | undefined {
  const headerBytes = rtpHeaderBytes(packet);
  if (headerBytes === undefined) return undefined;
  const padding = (packet[0]! & 0x20) === 0 ? 0 : packet[packet.length - 1]!;
  const end = packet.length - padding;
  if (end < headerBytes || ((packet[0]! & 0x20) !== 0 && padding === 0)) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  return {
    payloadType: packet[1]! & 0x7f,
    marker: packet[1]! >> 7 === 1,
    sequenceNumber: view.getUint16(2),
    rtpTimestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    extensions: extensionsOf(packet, view, headerBytes),
    payload: packet.subarray(headerBytes, end),
  };
}

/** The value of one element; undefined when the packet has none with this id. */
export function findExtension({ form, bytes }: HeaderExtensions, id: number | undefined): Uint8Array | undefined {
  if (form === 'none' || id === undefined) return undefined;
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at]!;
    // A zero byte is padding in both forms.
    if (first === 0) {
      at += 1;
      continue;
    }
    const oneByte = form === 'oneByte';
    const found = oneByte ? first >> 4 : first;
    if (oneByte && found === ID_STOP) return undefined;
    const length = oneByte ? (first & 15) + 1 : (bytes[at + 1] ?? 0);
    const from = at + (oneByte ? 1 : 2);
    if (from + length > bytes.length) return undefined;
    if (found === id) return bytes.subarray(from, from + length);
    at = from + length;
  }
  return undefined;
}

function extensionsOf(packet: Uint8Array, view: DataView, headerBytes: number): HeaderExtensions {
  if ((packet[0]! & 0x10) === 0) return NONE;
  const at = FIXED_BYTES + 4 * (packet[0]! & 15);
  const profile = view.getUint16(at);
  const bytes = packet.subarray(at + EXTENSION_HEAD_BYTES, headerBytes);
  if (profile === ONE_BYTE_PROFILE) return { form: 'oneByte', bytes };
  return (profile & 0xfff0) === TWO_BYTE_PROFILE ? { form: 'twoByte', bytes } : NONE;
}
