/** A live session with the embedded model whose inference process stops answering: another takes its place. */
import { describe, expect, it } from 'vitest';
import { InferenceProcesses } from '../../bench/support/faults/inference-processes.ts';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

describe('an inference process that hangs', () => {
  it('is killed and replaced: slices go on, and none is lost', async () => {
    using processes = new InferenceProcesses();
    const generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
    try {
      // A part must have run before anybody can say what is long for it.
      await generator.warmUp();
      const { sessions, peers } = sessionFixture({ generator });
      const session = await sessions.create(REQUEST);
      const slices = new Set<number>();
      session.events.on('tier', ({ slice }) => slices.add(slice));
      await session.answer('offer');
      peers.last.connect();
      await expect.poll(() => slices.size).toBeGreaterThan(0);
      const hung = processes.newest;
      processes.hang();
      const before = slices.size;
      await expect.poll(() => generator.restarts).toBe(1);
      await expect.poll(() => slices.size).toBeGreaterThan(before);
      // Nothing of it is left.
      expect(hung.signalCode).toBe('SIGKILL');
      expect(session.stats.state).toBe('live');
      const made = [...slices].toSorted((a, b) => a - b);
      expect(made).toEqual(Array.from({ length: made.length }, (_, slice) => slice));
      await session.close('done');
    } finally {
      await generator.close();
    }
  });

  it('does not keep the runtime from closing', async () => {
    using processes = new InferenceProcesses();
    const generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
    await generator.warmUp();
    processes.hang();
    const refused = expect(generator.warmUp()).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    await generator.close();
    await refused;
    await processes.end();
  });
});
