/** RTP packets as a sender writes them. */
export interface RtpFields {
  payloadType?: number;
  marker?: boolean;
  sequenceNumber?: number;
  rtpTimestamp?: number;
  ssrc?: number;
  sources?: readonly number[];
  extensions?: readonly (readonly [id: number, value: Uint8Array])[];
  /** Default: one byte, where all fit. */
  form?: 'oneByte' | 'twoByte';
  payload?: Uint8Array;
  /** Bytes of padding, the last of which counts them. */
  padding?: number;
}

export function buildRtp(fields: RtpFields): Buffer {
  const { sources = [], extensions = [], payload = new Uint8Array(0), padding = 0, form = 'oneByte' } = fields;
  const fixed = Buffer.alloc(12 + 4 * sources.length);
  fixed[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (extensions.length > 0 ? 0x10 : 0) | sources.length;
  fixed[1] = (fields.payloadType ?? 96) | (fields.marker === true ? 0x80 : 0);
  fixed.writeUInt16BE((fields.sequenceNumber ?? 0) & 0xffff, 2);
  fixed.writeUInt32BE((fields.rtpTimestamp ?? 0) >>> 0, 4);
  fixed.writeUInt32BE(fields.ssrc ?? 1, 8);
  for (const [index, source] of sources.entries()) fixed.writeUInt32BE(source, 12 + 4 * index);
  const filling = Buffer.alloc(padding);
  if (padding > 0) filling[padding - 1] = padding;
  return Buffer.concat([fixed, extensions.length > 0 ? block(extensions, form) : Buffer.alloc(0), payload, filling]);
}

function block(extensions: NonNullable<RtpFields['extensions']>, form: 'oneByte' | 'twoByte'): Buffer {
  const elements = extensions.map(([id, value]) =>
    Buffer.concat([
      form === 'oneByte' ? Buffer.of((id << 4) | (value.length - 1)) : Buffer.of(id, value.length),
      value,
    ]),
  );
  const body = Buffer.concat(elements);
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const head = Buffer.alloc(4);
  head.writeUInt16BE(form === 'oneByte' ? 0xbede : 0x1000, 0);
  head.writeUInt16BE(padded.length / 4, 2);
  return Buffer.concat([head, padded]);
}
