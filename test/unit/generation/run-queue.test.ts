/** What waits for the inference thread, and what does no longer. */
import { expect, it } from 'vitest';
import { RunQueue } from '../../../src/generation/onnx/runtime/run-queue.ts';

const tensors = { inputs: [], outputs: [] };

it('does not begin again, for the next thread, what nobody waits for', async () => {
  const queue = new RunQueue();
  const caller = new AbortController();
  const aborted = expect(queue.push('refiner', {}, { signal: caller.signal }).result).rejects.toMatchObject({
    code: 'ABORTED',
  });
  const [running] = queue.takeBatch(() => tensors);
  caller.abort();
  await aborted;
  void queue.push('text', {});
  queue.putBack([running!]);
  expect(queue.takeBatch(() => tensors).map(({ part }) => part)).toEqual(['text']);
});
