/** A live session with the embedded model whose inference thread stops answering: another takes its place. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { ThreadHanger } from '../../bench/support/faults/hanging-thread.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

describe('an inference thread that hangs', () => {
  it('is replaced: slices go on, none is lost, and its late answer changes nothing', async () => {
    const threads: Worker[] = [];
    const onWorker = (worker: Worker): void => void threads.push(worker);
    process.on('worker', onWorker);
    using hanger = await ThreadHanger.attach();
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
      const hung = threads.at(-1);
      const ended = hung && once(hung, 'exit');
      const release = await hanger.hang();
      const before = slices.size;
      await expect.poll(() => generator.restarts).toBe(1);
      await expect.poll(() => slices.size).toBeGreaterThan(before);
      release();
      // Once it answers it is let go, and nobody takes that for another death.
      await ended;
      const then = slices.size;
      await expect.poll(() => slices.size).toBeGreaterThan(then);
      expect(generator.restarts).toBe(1);
      expect(session.stats.state).toBe('live');
      const made = [...slices].toSorted((a, b) => a - b);
      expect(made).toEqual(Array.from({ length: made.length }, (_, slice) => slice));
      await session.close('done');
    } finally {
      process.off('worker', onWorker);
      await generator.close();
    }
  });

  it('does not keep the runtime from closing', async () => {
    using hanger = await ThreadHanger.attach();
    const generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
    await generator.warmUp();
    await hanger.hang();
    const refused = expect(generator.warmUp()).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    // The run has reached the thread by now, or never will.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await generator.close();
    await refused;
  });
});
