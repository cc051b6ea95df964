/** What all slices of a stream start from: an upload and options, checked against what the generator takes. Pure. */
import { GlimpseError } from '../errors.ts';
import type { GeneratorInfo, SliceJob, WorkflowOptions } from '../generation/generator.ts';
import type { InputMedia } from '../picture/input-media.ts';

export type StreamInputs = Pick<SliceJob, 'input' | 'options'>;

/** @throws GlimpseError PARAMETER_INVALID naming the parameter that does not fit or is missing */
export function streamInputs(
  { negativePrompt, steps, cameraMove, adain }: WorkflowOptions,
  media: InputMedia | undefined,
  { input, options: known = [], cameraMoves = [] }: GeneratorInfo,
): StreamInputs {
  if (media && media.kind !== input?.kind) throw refused('input', input ? `a ${input.kind}` : 'nothing', media.kind);
  if (!media && input?.needed === true) throw refused('input', `a ${input.kind} (POST /v1/inputs)`, 'nothing');
  const given = Object.entries({ negativePrompt, steps, cameraMove, adain }).filter(([, value]) => value !== undefined);
  for (const [name] of given) if (!known.some((option) => option === name)) throw refused(name, 'nothing', 'a value');
  if (cameraMove !== undefined && !cameraMoves.includes(cameraMove))
    throw refused('cameraMove', cameraMoves.join(', '), cameraMove);
  const options: WorkflowOptions = Object.fromEntries(given);
  return { ...(media && { input: media }), ...(given.length > 0 && { options }) };
}

const refused = (parameter: string, expected: string, found: string): GlimpseError =>
  new GlimpseError('PARAMETER_INVALID', {
    message: `${parameter}: this generator takes ${expected}.`,
    details: { parameter, expected, found },
  });
