/** Checks the inputs and outputs that each part's file declares against what a pipeline needs. Pure. */
import { packError } from '../../pack/pack-error.ts';
import type { OnnxSignature, SignatureTensor } from './onnx-signature.ts';

interface Checked {
  folder: string;
  signature: OnnxSignature;
}

const FLOATS = ['float32', 'float16'];
const INTEGERS = ['int64', 'int32'];

/** Inputs a denoiser may have, by what they mean: UNets and transformers name them differently. */
export const LATENT_INPUTS = ['sample', 'hidden_states'];
export const TEXT_INPUT = 'encoder_hidden_states';
export const TIMESTEP_INPUT = 'timestep';
export const GUIDANCE_INPUT = 'timestep_cond';

/** @returns the width of its output, undefined if the file leaves it open */
export function checkTextEncoder({ folder, signature }: Checked): { width: number | undefined } {
  refuseOthers(folder, signature, ['input_ids']);
  need(folder, signature.inputs, ['input_ids'], INTEGERS, 2);
  const output = hiddenOf(signature);
  if (!output || !FLOATS.includes(output.type) || output.shape.length !== 3)
    throw packError(folder, 'an output last_hidden_state of three dimensions, float32 or float16', describe(output));
  return { width: fixed(output.shape[2]) };
}

/** The output that conditions the denoiser. */
export const hiddenOf = ({ outputs }: OnnxSignature): SignatureTensor | undefined =>
  outputs.find(({ name }) => name === 'last_hidden_state') ?? outputs.find(({ shape }) => shape.length === 3);

export interface DenoiserFacts {
  channels: number;
  textWidth: number | undefined;
  guidanceWidth: number | undefined;
}

export function checkDenoiser(
  { folder, signature }: Checked,
  { channels, textWidth, guidanceWidth }: DenoiserFacts,
): void {
  const guidance = guidanceWidth === undefined ? [] : [GUIDANCE_INPUT];
  refuseOthers(folder, signature, [...LATENT_INPUTS, TIMESTEP_INPUT, TEXT_INPUT, ...guidance]);
  const latent = need(folder, signature.inputs, LATENT_INPUTS, FLOATS, 4);
  axis(folder, latent, 1, channels);
  const timestep = need(folder, signature.inputs, [TIMESTEP_INPUT], [...INTEGERS, ...FLOATS]);
  if (timestep.shape.length > 1) throw packError(folder, 'timestep as a number or a list', describe(timestep));
  axis(folder, need(folder, signature.inputs, [TEXT_INPUT], FLOATS, 3), 2, textWidth);
  if (guidanceWidth !== undefined)
    axis(folder, need(folder, signature.inputs, [GUIDANCE_INPUT], FLOATS, 2), 1, guidanceWidth);
  const [output] = signature.outputs;
  if (!output || output.shape.length !== 4 || !FLOATS.includes(output.type))
    throw packError(folder, 'an output of four dimensions, float32 or float16', describe(output));
  axis(folder, output, 1, channels);
}

export function checkDecoder({ folder, signature }: Checked, channels: number): void {
  refuseOthers(folder, signature, ['latent_sample']);
  axis(folder, need(folder, signature.inputs, ['latent_sample'], FLOATS, 4), 1, channels);
  const [output] = signature.outputs;
  if (!output || output.shape.length !== 4 || !FLOATS.includes(output.type))
    throw packError(folder, 'an output of four dimensions, float32 or float16', describe(output));
  axis(folder, output, 1, 3);
}

function need(
  folder: string,
  inputs: readonly SignatureTensor[],
  names: readonly string[],
  types: readonly string[],
  rank?: number,
): SignatureTensor {
  const input = inputs.find(({ name }) => names.includes(name));
  if (!input)
    throw packError(folder, `an input ${names.join(' or ')}`, inputs.map(({ name }) => name).join() || 'none');
  const fits = types.includes(input.type) && (rank === undefined || input.shape.length === rank);
  if (!fits)
    throw packError(
      folder,
      `${input.name} ${types.join(' or ')}${rank ? ` of ${rank} dimensions` : ''}`,
      describe(input),
    );
  return input;
}

function axis(folder: string, tensor: SignatureTensor, index: number, expected: number | undefined): void {
  const found = fixed(tensor.shape[index]);
  if (found !== undefined && expected !== undefined && found !== expected)
    throw packError(folder, `${tensor.name} with ${expected} in dimension ${index}`, describe(tensor));
}

/** Refuses unknown inputs: nothing would feed them, and the first picture would fail. */
function refuseOthers(folder: string, { inputs }: OnnxSignature, known: readonly string[]): void {
  const others = inputs.filter(({ name }) => !known.includes(name)).map(({ name }) => name);
  if (others.length > 0)
    throw packError(
      folder,
      `no other inputs than ${known.join(', ')}`,
      `${others.join(', ')}, which this pipeline does not feed`,
    );
}

const fixed = (size: number | string | undefined): number | undefined => (typeof size === 'number' ? size : undefined);

const describe = (tensor: SignatureTensor | undefined): string =>
  tensor ? `${tensor.name} ${tensor.type} [${tensor.shape.join(', ')}]` : 'none';
