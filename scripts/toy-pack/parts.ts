/**
 * The five graphs of the toy pack. Nothing is learned: the text part looks colour words up, the denoiser goes straight
 * to that colour, the decoders paint a sky with that colour below it. What counts is that the shapes are right.
 */
import { i420Bytes } from '../../src/picture/frame.ts';
import { tokenize } from '../../src/generation/onnx/model/tokenizer.ts';
import type { Graph, GraphConstant, GraphTensor } from './onnx-file.ts';

export const FRAMES = 8;
export const FPS = 12;
/** A latent is a row a frame: luma, two chroma, and the brightness of a vertical gradient. */
export const LATENT = { tokens: FRAMES, channels: 4 };
export const TOKENIZER = { kind: 'hashed-words' as const, buckets: 512, maxWords: 16, featuresPerWord: 6 };
export const SIZES = { draft: 32, base: 32, refined: 64, upscaled: 128 };
export const NOISE = { particles: 8, grainPx: 16 };
/** Colour words with their luma and chroma, around 0, in units of 128. */
export const COLOURS: Readonly<Record<string, readonly [y: number, u: number, v: number]>> = {
  red: [-0.3, -0.3, 0.85],
  green: [0.1, -0.6, -0.7],
  blue: [-0.6, 0.85, -0.1],
  yellow: [0.6, -0.85, 0.1],
};
/** One field, `color`; id 0 is "unspecified". */
export const CONDITION_WIDTH = 1 + Object.keys(COLOURS).length;

const latent = (name: string): GraphTensor => ({ name, type: 'float32', shape: ['b', FRAMES, LATENT.channels] });
const scalar = (name: string): GraphTensor => ({ name, type: 'float32', shape: ['b'] });
const condition = (name: string): GraphTensor => ({ name, type: 'float32', shape: ['b', CONDITION_WIDTH] });
const floats = (name: string, values: ArrayLike<number>, ...shape: number[]): GraphConstant => ({
  name,
  data: Float32Array.from(values),
  shape,
});
const ints = (name: string, values: readonly number[], ...shape: number[]): GraphConstant => ({
  name,
  data: BigInt64Array.from(values, BigInt),
  shape,
});

/** Ids of words to one score a colour, and a softmax: a table that knows each colour's word and its trigrams. */
export function textPart(): Graph {
  const table = new Float32Array(TOKENIZER.buckets * CONDITION_WIDTH);
  for (const [index, word] of Object.keys(COLOURS).entries())
    for (const id of tokenize(word, TOKENIZER)) if (id > 0n) table[Number(id) * CONDITION_WIDTH + index + 1]! += 3;
  return {
    name: 'text',
    inputs: [{ name: 'ids', type: 'int64', shape: ['b', TOKENIZER.maxWords, TOKENIZER.featuresPerWord] }],
    outputs: [condition('condition'), condition('probabilities')],
    constants: [
      floats('table', table, TOKENIZER.buckets, CONDITION_WIDTH),
      ints('words', [1, 2], 2),
      // A prompt without a colour is left open.
      floats('open', [4, ...Object.keys(COLOURS).map(() => 0)], CONDITION_WIDTH),
    ],
    nodes: [
      { op: 'Gather', inputs: ['table', 'ids'], outputs: ['rows'] },
      { op: 'ReduceSum', inputs: ['rows', 'words'], outputs: ['scores'], attributes: { keepdims: 0 } },
      { op: 'Add', inputs: ['scores', 'open'], outputs: ['logits'] },
      { op: 'Softmax', inputs: ['logits'], outputs: ['probabilities'], attributes: { axis: -1 } },
      { op: 'Identity', inputs: ['probabilities'], outputs: ['condition'] },
    ],
  };
}

/** x0 is the colour of the condition, half of it the previous slice's where there is one; then an Euler step towards it. */
export function denoiserPart(): Graph {
  const rows = [[0, 0, 0], ...Object.values(COLOURS)];
  const palette = rows.flatMap((colour) => Array.from({ length: FRAMES }, () => [...colour, 0.5]).flat());
  return {
    name: 'denoiser',
    inputs: [
      latent('latent'),
      latent('previous'),
      scalar('has_previous'),
      condition('condition'),
      scalar('sigma'),
      scalar('sigma_next'),
      scalar('guidance'),
    ],
    outputs: [latent('denoised'), latent('latent_next')],
    constants: [
      floats('palette', palette, CONDITION_WIDTH, FRAMES * LATENT.channels),
      ints('rows', [-1, FRAMES, LATENT.channels], 3),
      ints('scalars', [-1, 1, 1], 3),
      floats('half', [0.5], 1),
    ],
    nodes: [
      { op: 'MatMul', inputs: ['condition', 'palette'], outputs: ['flat'] },
      { op: 'Reshape', inputs: ['flat', 'rows'], outputs: ['wanted'] },
      { op: 'Reshape', inputs: ['has_previous', 'scalars'], outputs: ['has'] },
      { op: 'Mul', inputs: ['has', 'half'], outputs: ['share'] },
      { op: 'Sub', inputs: ['previous', 'wanted'], outputs: ['back'] },
      { op: 'Mul', inputs: ['back', 'share'], outputs: ['pull'] },
      { op: 'Add', inputs: ['wanted', 'pull'], outputs: ['denoised'] },
      { op: 'Sub', inputs: ['latent', 'denoised'], outputs: ['noise'] },
      { op: 'Div', inputs: ['sigma_next', 'sigma'], outputs: ['left'] },
      { op: 'Reshape', inputs: ['left', 'scalars'], outputs: ['ratio'] },
      { op: 'Mul', inputs: ['noise', 'ratio'], outputs: ['rest'] },
      { op: 'Add', inputs: ['denoised', 'rest'], outputs: ['latent_next'] },
    ],
  };
}

/** Pictures of `sidePx` from rows of latents: `rows` [b, frames, 4] to `i420`. */
function painting(sidePx: number): Pick<Graph, 'constants' | 'nodes'> {
  const pixels = sidePx ** 2;
  const paint = new Float32Array(LATENT.channels * i420Bytes(sidePx, sidePx));
  const bytes = i420Bytes(sidePx, sidePx);
  for (let at = 0; at < bytes; at++) {
    const plane = at < pixels ? 0 : at < pixels * 1.25 ? 1 : 2;
    paint[plane * bytes + at] = 100;
    if (plane === 0) paint[3 * bytes + at] = 60 - (120 * Math.floor(at / sidePx)) / sidePx;
  }
  return {
    constants: [
      floats('paint', paint, LATENT.channels, bytes),
      floats('middle', [128], 1),
      floats('black', [0]),
      floats('white', [255]),
    ],
    nodes: [
      { op: 'MatMul', inputs: ['rows', 'paint'], outputs: ['painted'] },
      { op: 'Add', inputs: ['painted', 'middle'], outputs: ['levels'] },
      { op: 'Clip', inputs: ['levels', 'black', 'white'], outputs: ['clipped'] },
      { op: 'Cast', inputs: ['clipped'], outputs: ['i420'], attributes: { to: 2 } },
    ],
  };
}

export function decoderPart(): Graph {
  const { constants, nodes } = painting(SIZES.base);
  return {
    name: 'decoder',
    inputs: [latent('latent')],
    outputs: [{ name: 'i420', type: 'uint8', shape: ['b', FRAMES, i420Bytes(SIZES.base, SIZES.base)] }],
    constants,
    nodes: [{ op: 'Identity', inputs: ['latent'], outputs: ['rows'] }, ...nodes],
  };
}

/** The frames asked for, painted larger. It needs neither particles nor grain nor time, but must take them. */
export function refinerPart(): Graph {
  const { constants, nodes } = painting(SIZES.refined);
  return {
    name: 'refiner',
    inputs: [
      latent('latent'),
      latent('previous'),
      scalar('has_previous'),
      condition('condition'),
      { name: 'particles', type: 'float32', shape: ['b', NOISE.particles, 3] },
      { name: 'grain', type: 'float32', shape: ['b', 1, NOISE.grainPx, NOISE.grainPx] },
      scalar('time_s'),
      { name: 'frames', type: 'int64', shape: ['k'] },
    ],
    outputs: [{ name: 'i420', type: 'uint8', shape: ['b', 'k', i420Bytes(SIZES.refined, SIZES.refined)] }],
    constants,
    nodes: [{ op: 'Gather', inputs: ['latent', 'frames'], outputs: ['rows'], attributes: { axis: 1 } }, ...nodes],
  };
}

/** Every pixel four times, as an index table over the planes. */
export function upscalerPart(): Graph {
  const { refined, upscaled } = SIZES;
  const plane = (start: number, sidePx: number): number[] =>
    Array.from({ length: (sidePx * 2) ** 2 }, (_, at) => {
      const [x, y] = [at % (sidePx * 2), Math.floor(at / (sidePx * 2))];
      return start + (y >> 1) * sidePx + (x >> 1);
    });
  const pixels = refined ** 2;
  const index = [...plane(0, refined), ...plane(pixels, refined / 2), ...plane(pixels * 1.25, refined / 2)];
  return {
    name: 'upscaler',
    inputs: [{ name: 'refined', type: 'uint8', shape: ['k', i420Bytes(refined, refined)] }],
    outputs: [{ name: 'i420', type: 'uint8', shape: ['k', i420Bytes(upscaled, upscaled)] }],
    constants: [ints('index', index, index.length)],
    nodes: [{ op: 'Gather', inputs: ['refined', 'index'], outputs: ['i420'], attributes: { axis: 1 } }],
  };
}
