/**
 * What one slice hands to the next: its last frame as the server encoded it, so that nothing is lost on the way back. The
 * contract carries it as numbers, one byte a number, because for it this is a latent like any other. Pure.
 */
import { GlimpseError } from '../../errors.ts';
import { imageFormat, type ImageFormat } from './binary-event.ts';

export const packFrame = (image: Uint8Array): Float32Array => Float32Array.from(image);

/** @throws GlimpseError PARAMETER_INVALID when the numbers are no packed picture. */
export function unpackFrame(latents: Float32Array): { image: Uint8Array; format: ImageFormat } {
  const image = Uint8Array.from(latents);
  const format = imageFormat(image);
  if (format === undefined)
    throw new GlimpseError('PARAMETER_INVALID', {
      message: 'These latents are of another generator.',
      details: { parameter: 'previous', expected: 'a packed picture', found: latents.length },
    });
  return { image, format };
}
