/**
 * A live session with the embedded model whose inference process is killed at random points: in the middle of a step, while
 * it loads, while it is idle. No session is lost, no picture is missing for good, nothing is left behind.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { InferenceProcesses } from '../../bench/support/faults/inference-processes.ts';
import { createRandom } from '../../src/generation/slices/noise.ts';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

const SEED = 5;
const KILLS = 4;

describe('killing the inference process', () => {
  it('loses no session: slices go on, from the step they were in', async () => {
    const random = createRandom(SEED, 0);
    using processes = new InferenceProcesses();
    const generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
    try {
      const { sessions, peers } = sessionFixture({ generator });
      const viewers = await Promise.all([sessions.create(REQUEST), sessions.create({ ...REQUEST, seed: 9 })]);
      const slices = viewers.map(() => new Set<number>());
      const closed: string[] = [];
      for (const [index, viewer] of viewers.entries()) {
        viewer.events.on('tier', ({ slice }) => slices[index]?.add(slice));
        viewer.events.on('closed', (reason) => closed.push(reason));
        await viewer.answer('offer');
        peers.last.connect();
      }
      for (let kill = 0; kill < KILLS; kill++) {
        await sleep((random.bits() % 700) + 20);
        const before = slices.map(({ size }) => size);
        processes.kill();
        for (const [index, made] of slices.entries())
          await expect.poll(() => made.size).toBeGreaterThan(before[index] ?? 0);
      }
      expect(generator.restarts).toBeGreaterThan(0);
      expect(closed).toEqual([]);
      for (const [index, viewer] of viewers.entries()) {
        expect(viewer.stats.state).toBe('live');
        const made = [...(slices[index] ?? [])].toSorted((a, b) => a - b);
        // Every slice from the first to the last: none was given up.
        expect(made).toEqual(Array.from({ length: made.length }, (_, slice) => slice));
        await viewer.close('done');
      }
    } finally {
      await generator.close();
      await processes.end();
    }
  });
});
