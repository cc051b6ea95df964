/** The error of a model pack: which part, what was expected, what was found. */
import { GlimpseError } from '../../../errors.ts';

export const packError = (part: string, expected: string, found: string, cause?: unknown): GlimpseError =>
  new GlimpseError('MODEL_INVALID', {
    message: `Model pack, ${part}: expected ${expected}, found ${found}.`,
    details: { part, expected, found },
    cause,
  });
