/** Tensors in the file that two processes share: places are given again, and never to two batches at once. */
import { fstatSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SharedTensors } from '../../../src/generation/onnx/process/shared-tensors.ts';
import { float32, int64, type Tensors } from '../../../src/generation/onnx/process/tensor.ts';

const tensors = (seed: number): Tensors => ({
  latent: float32([seed, 2, 3], 1, 3),
  frames: int64([BigInt(seed)], 1),
  i420: { type: 'uint8', data: new Uint8Array(1000).fill(seed), shape: [1, 1000] },
});

it('gives back what was written, whatever was written and freed around it', () => {
  const writer = new SharedTensors();
  const reader = new SharedTensors(writer.fd);
  const stored = [1, 2, 3].map((id) => writer.write(id, tensors(id)));
  writer.free((id) => id === 2);
  stored[1] = writer.write(4, tensors(4));
  for (const [index, seed] of [1, 4, 3].entries())
    for (const [name, place] of Object.entries(stored[index] ?? {}))
      expect(reader.read(place)).toEqual(tensors(seed)[name]);
  writer.close();
});

it('does not grow while batches come and go', () => {
  const shared = new SharedTensors();
  for (let id = 0; id < 100; id++) {
    shared.write(id, tensors(id % 200));
    shared.free((other) => other < id);
  }
  expect(fstatSync(shared.fd).size).toBeLessThan(4 * 1_200);
  shared.close();
});

it('has no name: it is gone with the processes that use it', () => {
  const shared = new SharedTensors();
  expect(fstatSync(shared.fd).nlink).toBe(0);
  shared.close();
});
