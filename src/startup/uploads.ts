/** The store of uploads that a generator's service has. */
import { systemClock } from '../clock.ts';
import type { GeneratorInfo } from '../generation/generator.ts';
import { readInputMedia } from '../media/decode/input-media.ts';
import { Inputs } from '../session/inputs.ts';

/** Undefined where the generator takes none; else only the kind that it takes is decoded. */
export function inputsFor({ input }: GeneratorInfo): Inputs | undefined {
  if (!input) return undefined;
  const { kind } = input;
  return new Inputs({ clock: systemClock, kind, read: (upload, signal) => readInputMedia(upload, { signal, kind }) });
}
