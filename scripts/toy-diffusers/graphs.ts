/**
 * The three graphs of the toy pipeline, with the names and shapes that Hugging Face Optimum exports. Weights are random;
 * only the noise arithmetic is exact, so that schedulers can be told right from wrong: each step's finished latent is
 * the prompt's own colour and a little of the noise, at every timestep.
 */
import { createRandom, gaussian } from '../../src/generation/slices/noise.ts';
import { alphasCumulative } from '../../src/generation/onnx/diffusers/sampling/noise-levels.ts';
import type { ElementType, Graph, GraphConstant, GraphTensor } from '../toy-pack/onnx-file.ts';

export const TEXT_WIDTH = 8;
export const CHANNELS = 4;
export const SCALE = 8;
export const SCALING_FACTOR = 0.18215;
export const GUIDANCE_WIDTH = 32;
export const BETAS = { schedule: 'scaled_linear', start: 0.00085, end: 0.012, trainSteps: 1000 } as const;

/** How the denoiser is trained: what the scheduler must assume. */
export type ToyKind = 'euler' | 'lcm' | 'flow-match';

export interface ToyNumbers {
  /** Of weights and latents. */
  float: 'float32' | 'float16';
  /** Of ids. */
  integer: 'int32' | 'int64';
}

const random = (stream: number, length: number, scale: number): Float32Array =>
  gaussian(createRandom(20_26, stream), length).map((value) => value * scale);

class Draft {
  readonly constants: GraphConstant[] = [];
  readonly #numbers: ToyNumbers;

  constructor(numbers: ToyNumbers) {
    this.#numbers = numbers;
  }

  floats(name: string, values: Float32Array | readonly number[], ...shape: number[]): void {
    const data = this.#numbers.float === 'float16' ? Float16Array.from(values) : Float32Array.from(values);
    this.constants.push({ name, data, shape });
  }

  ints(name: string, values: readonly number[], ...shape: number[]): void {
    this.constants.push({ name, data: BigInt64Array.from(values, BigInt), shape });
  }

  tensor(name: string, shape: (number | string)[], type: ElementType = this.#numbers.float): GraphTensor {
    return { name, type, shape };
  }
}

/** Ids to rows of a table; the last two words, start and end, say nothing. */
export function textEncoder(words: number, numbers: ToyNumbers): Graph {
  const draft = new Draft(numbers);
  draft.floats('table', random(1, words * TEXT_WIDTH, 1).fill(0, (words - 2) * TEXT_WIDTH), words, TEXT_WIDTH);
  draft.ints('positions', [1], 1);
  return {
    name: 'text_encoder',
    inputs: [draft.tensor('input_ids', ['batch_size', 'sequence_length'], numbers.integer)],
    outputs: [
      draft.tensor('last_hidden_state', ['batch_size', 'sequence_length', TEXT_WIDTH]),
      draft.tensor('pooler_output', ['batch_size', TEXT_WIDTH]),
    ],
    constants: draft.constants,
    nodes: [
      { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['last_hidden_state'] },
      {
        op: 'ReduceSum',
        inputs: ['last_hidden_state', 'positions'],
        outputs: ['pooler_output'],
        attributes: { keepdims: 0 },
      },
    ],
  };
}

/** x0 is the prompt's colour and some of what comes in; the output is what the kind of model predicts, made of both. */
export function denoiser(kind: ToyKind, numbers: ToyNumbers): Graph {
  const draft = new Draft(numbers);
  const isFlow = kind === 'flow-match';
  const sample = isFlow ? 'hidden_states' : 'sample';
  const { ofInput, ofPicture } = weights(kind);
  draft.floats('of_input', ofInput, ofInput.length);
  draft.floats('of_picture', ofPicture, ofPicture.length);
  draft.floats('colours', random(2, TEXT_WIDTH * CHANNELS, 0.3), TEXT_WIDTH, CHANNELS);
  draft.floats('grain', random(3, CHANNELS * CHANNELS, 0.15), CHANNELS, CHANNELS, 1, 1);
  draft.ints('positions', [1], 1);
  draft.ints('planes', [-1, CHANNELS, 1, 1], 4);
  draft.ints('one', [-1, 1, 1, 1], 4);
  const guidance = kind === 'lcm' ? [draft.tensor('timestep_cond', ['batch_size', GUIDANCE_WIDTH])] : [];
  if (kind === 'lcm') draft.floats('weight', random(4, GUIDANCE_WIDTH * CHANNELS, 0.05), GUIDANCE_WIDTH, CHANNELS);
  return {
    name: isFlow ? 'transformer' : 'unet',
    inputs: [
      draft.tensor(sample, ['batch_size', CHANNELS, 'height', 'width']),
      isFlow ? draft.tensor('timestep', ['batch_size'], 'float32') : draft.tensor('timestep', [], 'int64'),
      draft.tensor('encoder_hidden_states', ['batch_size', 'sequence_length', TEXT_WIDTH]),
      ...guidance,
    ],
    outputs: [draft.tensor('out_sample', ['batch_size', CHANNELS, 'height', 'width'])],
    constants: draft.constants,
    nodes: [
      {
        op: 'ReduceSum',
        inputs: ['encoder_hidden_states', 'positions'],
        outputs: ['pooled'],
        attributes: { keepdims: 0 },
      },
      { op: 'MatMul', inputs: ['pooled', 'colours'], outputs: ['prompted'] },
      ...(kind === 'lcm'
        ? [
            { op: 'MatMul', inputs: ['timestep_cond', 'weight'], outputs: ['weighed'] },
            { op: 'Add', inputs: ['prompted', 'weighed'], outputs: ['colour'] },
          ]
        : [{ op: 'Identity', inputs: ['prompted'], outputs: ['colour'] }]),
      { op: 'Reshape', inputs: ['colour', 'planes'], outputs: ['flat'] },
      { op: 'Conv', inputs: [sample, 'grain'], outputs: ['grained'] },
      { op: 'Add', inputs: ['grained', 'flat'], outputs: ['picture'] },
      // Timesteps of transformers are fractions of their own; the table is looked up at whole ones.
      { op: 'Cast', inputs: ['timestep'], outputs: ['place'], attributes: { to: 7 } },
      { op: 'Gather', inputs: ['of_input', 'place'], outputs: ['a'] },
      { op: 'Gather', inputs: ['of_picture', 'place'], outputs: ['b'] },
      { op: 'Reshape', inputs: ['a', 'one'], outputs: ['input_share'] },
      { op: 'Reshape', inputs: ['b', 'one'], outputs: ['picture_share'] },
      { op: 'Mul', inputs: [sample, 'input_share'], outputs: ['from_input'] },
      { op: 'Mul', inputs: ['picture', 'picture_share'], outputs: ['from_picture'] },
      { op: 'Sub', inputs: ['from_input', 'from_picture'], outputs: ['out_sample'] },
    ],
  };
}

/** Shares of input and picture in the prediction, by timestep. */
function weights(kind: ToyKind): { ofInput: Float32Array; ofPicture: Float32Array } {
  if (kind === 'flow-match') {
    const shares = Float32Array.from({ length: 1001 }, (_, step) => 1000 / Math.max(1, step));
    return { ofInput: shares, ofPicture: shares };
  }
  const alphas = alphasCumulative(BETAS);
  const noise = Array.from(alphas, (alpha) => Math.sqrt(1 - alpha));
  const picture = Array.from(alphas, (alpha) => Math.sqrt(alpha));
  return {
    // Euler's input is divided by sqrt(sigma^2 + 1), which is sqrt(1 / alpha).
    ofInput: Float32Array.from(noise, (share) => 1 / share),
    ofPicture: Float32Array.from(noise, (share, step) => (picture[step] ?? 0) / share),
  };
}

/** Every latent pixel becomes a block of one colour. */
export function decoder(numbers: ToyNumbers): Graph {
  const draft = new Draft(numbers);
  const colours = [0.298, 0.207, 0.208, 0.187, 0.286, 0.173, -0.158, 0.189, 0.264, -0.184, -0.271, -0.473];
  const kernel = Float32Array.from({ length: SCALE ** 2 * 3 * CHANNELS }, (_, at) => {
    const channel = at % CHANNELS;
    const colour = Math.floor(at / CHANNELS) % 3;
    return SCALING_FACTOR * (colours[channel * 3 + colour] ?? 0);
  });
  draft.floats('kernel', kernel, SCALE ** 2 * 3, CHANNELS, 1, 1);
  return {
    name: 'vae_decoder',
    inputs: [draft.tensor('latent_sample', ['batch_size', CHANNELS, 'height_latent', 'width_latent'])],
    outputs: [draft.tensor('sample', ['batch_size', 3, 'height', 'width'])],
    constants: draft.constants,
    nodes: [
      { op: 'Conv', inputs: ['latent_sample', 'kernel'], outputs: ['blocks'] },
      { op: 'DepthToSpace', inputs: ['blocks'], outputs: ['sample'], attributes: { blocksize: SCALE } },
    ],
  };
}
