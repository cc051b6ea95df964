/**
 * The binary messages of ComfyUI's WebSocket, big-endian: `u32 1, u32 format, image` (preview), `u32 3, u32 length,
 * node, text` (progress text), `u32 4, u32 length, JSON, image` (preview that names its prompt). Pure and bounded:
 * anything else is undefined, never an exception, because the bytes come from another process.
 */
export type ImageFormat = 'jpeg' | 'png';

export type BinaryEvent =
  | {
      kind: 'image';
      format: ImageFormat;
      /** The encoded picture, a view of the message. */
      image: Uint8Array;
      /** Absent in event 1, which belongs to the running node. */
      origin?: ImageOrigin;
    }
  | { kind: 'text'; nodeId: string; text: string };

export interface ImageOrigin {
  promptId: string;
  nodeId: string;
}

const EVENT = { image: 1, text: 3, imageWithOrigin: 4 } as const;
const FORMATS: Readonly<Record<number, ImageFormat>> = { 1: 'jpeg', 2: 'png' };
/** The metadata is a few identifiers; a node id is short. */
const METADATA_MAX_BYTES = 16 * 1024;

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG_SIGNATURE = [0xff, 0xd8, 0xff];

/** The format of an encoded picture, from its first bytes. */
export function imageFormat(image: Uint8Array): ImageFormat | undefined {
  if (startsWith(image, PNG_SIGNATURE)) return 'png';
  return startsWith(image, JPEG_SIGNATURE) ? 'jpeg' : undefined;
}

export function parseBinaryEvent(message: Uint8Array): BinaryEvent | undefined {
  if (message.length < 8) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const second = view.getUint32(4);
  switch (view.getUint32(0)) {
    case EVENT.image:
      return imageEvent(message.subarray(8), FORMATS[second]);
    case EVENT.text:
      return textEvent(message.subarray(8), second);
    case EVENT.imageWithOrigin:
      return imageWithOrigin(message.subarray(8), second);
    default:
      return undefined;
  }
}

/** The claimed format must match the picture's. */
function imageEvent(image: Uint8Array, claimed: ImageFormat | undefined): BinaryEvent | undefined {
  const format = imageFormat(image);
  return format === undefined || format !== claimed ? undefined : { kind: 'image', format, image };
}

function textEvent(rest: Uint8Array, nodeBytes: number): BinaryEvent | undefined {
  if (nodeBytes > rest.length || nodeBytes > METADATA_MAX_BYTES) return undefined;
  const decoder = new TextDecoder();
  return {
    kind: 'text',
    nodeId: decoder.decode(rest.subarray(0, nodeBytes)),
    text: decoder.decode(rest.subarray(nodeBytes)),
  };
}

function imageWithOrigin(rest: Uint8Array, metadataBytes: number): BinaryEvent | undefined {
  if (metadataBytes > rest.length || metadataBytes > METADATA_MAX_BYTES) return undefined;
  const origin = originOf(new TextDecoder().decode(rest.subarray(0, metadataBytes)));
  const image = rest.subarray(metadataBytes);
  const format = imageFormat(image);
  return origin === undefined || format === undefined ? undefined : { kind: 'image', format, image, origin };
}

function originOf(json: string): ImageOrigin | undefined {
  try {
    const { prompt_id: promptId, node_id: nodeId } = Object(JSON.parse(json)) as Record<string, unknown>;
    return typeof promptId === 'string' && typeof nodeId === 'string' ? { promptId, nodeId } : undefined;
  } catch {
    return undefined;
  }
}

const startsWith = (bytes: Uint8Array, signature: readonly number[]): boolean =>
  signature.every((byte, index) => bytes[index] === byte);
