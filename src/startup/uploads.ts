/** Creates the store of uploads for a generator. */
import { systemClock } from '../clock.ts';
import type { GeneratorInfo } from '../generation/generator.ts';
import { readInputMedia } from '../media/decode/input-media.ts';
import { Inputs } from '../session/inputs.ts';

/** Undefined where the generator takes no input; otherwise only its kind is decoded. */
export function inputsFor({ input }: GeneratorInfo): Inputs | undefined {
  if (!input) return undefined;
  const { kind } = input;
  return new Inputs({ clock: systemClock, kind, read: (upload, signal) => readInputMedia(upload, { signal, kind }) });
}
