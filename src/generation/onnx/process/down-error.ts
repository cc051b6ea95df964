/** Errors of the inference process, as GENERATOR_DOWN. */
import { GlimpseError } from '../../../errors.ts';

export const downError = (message: string, details: Record<string, number> = {}): GlimpseError =>
  new GlimpseError('GENERATOR_DOWN', { message, details });

export const closedError = (): GlimpseError => downError('The generator is closed.');
