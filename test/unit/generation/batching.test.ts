import { describe, expect, it } from 'vitest';
import {
  canJoin,
  itemsOf,
  joinFeeds,
  splitOutputs,
  type PartTensors,
} from '../../../src/generation/onnx/process/batching.ts';
import { float32, int64, type Tensors } from '../../../src/generation/onnx/process/tensor.ts';

/** As the refiner: per item a latent, for all items together the frames. */
const PART: PartTensors = {
  inputs: [
    { name: 'latent', type: 'float32', shape: ['b', 2] },
    { name: 'frames', type: 'int64', shape: ['k'] },
  ],
  outputs: [{ name: 'picture', type: 'float32', shape: ['b', 'k'] }],
};
const feeds = (latents: number[], frames: bigint[]): Tensors => ({
  latent: float32(latents, latents.length / 2, 2),
  frames: int64(frames, frames.length),
});

describe('batching', () => {
  it('joins runs whose other inputs are equal, and only those', () => {
    const one = feeds([1, 2], [0n, 1n]);
    expect(canJoin(PART, one, feeds([3, 4], [0n, 1n]))).toBe(true);
    expect(canJoin(PART, one, feeds([3, 4], [2n, 3n]))).toBe(false);
    expect(canJoin(PART, one, feeds([3, 4], [0n]))).toBe(false);
    expect(canJoin(PART, one, { ...feeds([3, 4], [0n, 1n]), latent: float32([1, 2, 3], 1, 3) })).toBe(false);
  });

  it('never joins runs of a part that has no batch axis on both sides', () => {
    const upscaler: PartTensors = {
      inputs: [{ name: 'frames', type: 'int64', shape: ['k'] }],
      outputs: [{ name: 'picture', type: 'float32', shape: ['k'] }],
    };
    const run = { frames: int64([0n], 1) };
    expect(canJoin(upscaler, run, run)).toBe(false);
  });

  it('puts items one after another and gives each run its own back', () => {
    const runs = [feeds([1, 2], [7n]), feeds([3, 4, 5, 6], [7n])];
    const joined = joinFeeds(PART, runs);
    expect(joined['latent']).toEqual(float32([1, 2, 3, 4, 5, 6], 3, 2));
    expect(joined['frames']).toEqual(int64([7n], 1));
    const items = runs.map((run) => itemsOf(PART, run));
    expect(items).toEqual([1, 2]);
    const [first, second] = splitOutputs(PART, { picture: float32([10, 30, 50], 3, 1) }, items);
    expect(first?.['picture']).toEqual(float32([10], 1, 1));
    expect(second?.['picture']).toEqual(float32([30, 50], 2, 1));
  });
});
