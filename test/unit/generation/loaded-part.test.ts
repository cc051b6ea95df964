import { expect, it, vi } from 'vitest';
import { LoadedPart } from '../../../src/generation/onnx/runtime/loaded-part.ts';

/** Sessions that are there. */
const sessions = vi.hoisted(() => new Set<object>());

vi.mock('onnxruntime-node', () => ({
  InferenceSession: {
    create: () => {
      const session = { release: () => Promise.resolve(void sessions.delete(session)) };
      sessions.add(session);
      return Promise.resolve(session);
    },
  },
}));

it('has one session of onnxruntime while it is loaded, and none at rest', async () => {
  // Any file will do for weights.
  const part = { name: 'part', path: import.meta.filename, inputs: [], outputs: [] };
  const held = new LoadedPart({ part, threads: 1, provider: 'cpu' });
  const seen: number[] = [];
  for (const state of ['resident', 'resident', 'half-loaded', 'resident', 'cold'] as const) {
    await held.move(state);
    seen.push(sessions.size);
  }
  expect(seen).toEqual([1, 1, 0, 1, 0]);
  expect(held.bytes).toBe(0);
});
