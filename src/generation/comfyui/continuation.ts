/**
 * What a slice hands to the next: its last frames as the server encoded them, so that nothing is lost. The generator
 * contract carries them as latents, but here the array holds bytes: a count, the length of each picture in four bytes,
 * then the pictures. They are copied once, because nine pictures are several megabytes. Pure.
 */
import { GlimpseError } from '../../errors.ts';
import { imageFormat, type ImageFormat } from './server/binary-event.ts';

/** A run is conditioned on two latent frames at most; more would leave it almost nothing to make. */
const FRAMES_MAX = 17;

export interface PackedFrame {
  image: Uint8Array;
  format: ImageFormat;
}

/** @param images oldest first, at most 17 */
export function packFrames(images: readonly Uint8Array[]): Float32Array {
  const headerBytes = 1 + 4 * images.length;
  const bytes = headerBytes + images.reduce((sum, { length }) => sum + length, 0);
  const latents = new Float32Array(Math.ceil(bytes / Float32Array.BYTES_PER_ELEMENT));
  const packed = new Uint8Array(latents.buffer);
  const view = new DataView(latents.buffer);
  packed[0] = images.length;
  let offset = headerBytes;
  for (const [index, image] of images.entries()) {
    view.setUint32(1 + 4 * index, image.length);
    packed.set(image, offset);
    offset += image.length;
  }
  return latents;
}

/** Views of the latents' memory. @throws GlimpseError PARAMETER_INVALID when they are no packed pictures */
export function unpackFrames(latents: Float32Array): PackedFrame[] {
  const packed = new Uint8Array(latents.buffer, latents.byteOffset, latents.byteLength);
  const view = new DataView(latents.buffer, latents.byteOffset, latents.byteLength);
  const count = packed[0] ?? 0;
  let offset = 1 + 4 * count;
  if (count === 0 || count > FRAMES_MAX || offset > packed.length) throw foreign(latents);
  return Array.from({ length: count }, (_, index) => {
    const end = offset + view.getUint32(1 + 4 * index);
    const image = packed.subarray(offset, end);
    const format = end > packed.length ? undefined : imageFormat(image);
    if (format === undefined) throw foreign(latents);
    offset = end;
    return { image, format };
  });
}

const foreign = (latents: Float32Array): GlimpseError =>
  new GlimpseError('PARAMETER_INVALID', {
    message: 'These latents were made by another generator and cannot be continued here.',
    details: { parameter: 'previous', expected: 'packed pictures', found: latents.length },
  });
