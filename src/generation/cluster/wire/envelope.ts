/**
 * One message: version (u8), reserved (u8), length of the header (u32, big-endian), the header as JSON, then bytes. Only
 * the header is parsed; the bytes are pictures, latents or uploads, and belong to it. JSON with binary beside it,
 * instead of MessagePack or protobuf: the headers stay readable in `nats sub`, zod checks them, and no package is added.
 */
import type { z } from 'zod';
import { GlimpseError } from '../../../errors.ts';
import { WIRE } from './limits.ts';

const FIXED_BYTES = 6;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export interface Envelope<Header> {
  header: Header;
  bytes: Uint8Array;
}

/** Copies the pieces, so the caller may reuse them. */
export function encodeMessage(header: object, pieces: readonly Uint8Array[] = []): Uint8Array {
  const json = encoder.encode(JSON.stringify(header));
  let at = FIXED_BYTES + json.length;
  const message = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, at));
  message[0] = WIRE.version;
  new DataView(message.buffer).setUint32(2, json.length);
  message.set(json, FIXED_BYTES);
  for (const piece of pieces) {
    message.set(piece, at);
    at += piece.length;
  }
  return message;
}

/** The version of a message; undefined for an empty one. */
export const versionOf = (message: Uint8Array): number | undefined => message[0];

/** Versions that understand each other: equal, or one apart. */
export const isCompatible = (version: number): boolean => Math.abs(version - WIRE.version) <= 1;

/**
 * Reads a message. Fields that the schema does not name are dropped: they are of a newer version.
 * @throws GlimpseError CLUSTER_VERSION for another version; CLUSTER_PROTOCOL for anything else that does not fit
 */
export function decodeMessage<Schema extends z.ZodType>(
  message: Uint8Array,
  schema: Schema,
): Envelope<z.infer<Schema>> {
  const version = versionOf(message);
  if (version === undefined) throw malformed('an empty message');
  if (!isCompatible(version))
    throw new GlimpseError('CLUSTER_VERSION', {
      message: `A node speaks version ${version} of the cluster's protocol, this one ${WIRE.version}: upgrade one of them.`,
      details: { theirs: version, ours: WIRE.version },
    });
  if (message.length < FIXED_BYTES) throw malformed('a message without a header');
  const headerBytes = new DataView(message.buffer, message.byteOffset, message.byteLength).getUint32(2);
  const bodyAt = FIXED_BYTES + headerBytes;
  if (headerBytes > WIRE.headerMaxBytes || bodyAt > message.length) throw malformed('a header that is too long');
  if (message.length - bodyAt > WIRE.chunkMaxBytes) throw malformed('more bytes than a chunk may have');
  const parsed = schema.safeParse(jsonOf(message.subarray(FIXED_BYTES, bodyAt)));
  if (!parsed.success) throw malformed('a header of an unknown form');
  return { header: parsed.data, bytes: message.subarray(bodyAt) };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw malformed('a header that is no JSON');
  }
}

/** The error of a message that breaks the protocol; `what` never quotes it. */
export const malformed = (what: string): GlimpseError =>
  new GlimpseError('CLUSTER_PROTOCOL', { message: `A node of the cluster sent ${what}.` });
