/** The embedded model under the scheduler: what several jobs get when their steps run as one, and alone. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { SliceJob } from '../../src/generation/generator.ts';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { InferenceProcess } from '../../src/generation/onnx/process/inference-process.ts';
import { Scheduler } from '../../src/generation/engine/scheduler.ts';
import { RANKS } from '../../src/generation/engine/turn-order.ts';
import { collect } from '../support/collect.ts';

const PROMPTS = ['a red ball over a green meadow', 'snow in a city at night', 'the sea at dawn'];

describe('batched steps of the embedded model', () => {
  let generator: OnnxGenerator;
  beforeAll(async () => {
    generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
  });
  afterAll(() => generator.close());

  it('draw the same pictures as steps that run alone', async () => {
    const sizes: number[] = [];
    const scheduler = new Scheduler({
      clock: systemClock,
      batchSize: () => PROMPTS.length,
      onTurn: ({ batchSize }) => sizes.push(batchSize),
    });
    const { signal } = new AbortController();
    const jobOf = (prompt: string, index: number): SliceJob => ({
      revision: 0,
      slice: 0,
      prompt,
      seed: index,
      startMs: 0,
      stopAtTier: 'refined',
    });
    const pictures = async (job: SliceJob, batched: boolean): Promise<Uint8Array[]> => {
      const claim = { rank: RANKS.playhead, deadlineUs: 0, costMs: 0, user: job.prompt, weight: 1 };
      const turn = (unit: Parameters<typeof scheduler.turn>[0]) => scheduler.turn(unit, claim, signal);
      const renditions = await collect(generator.generate(job, batched ? { signal, turn } : { signal }));
      return renditions.flatMap(({ frames }) => frames.map(({ data }) => data));
    };
    // The text part runs outside the turns; known prompts keep the three in step.
    for (const prompt of PROMPTS) await generator.read(prompt);
    const alone: Uint8Array[][] = [];
    for (const [index, prompt] of PROMPTS.entries()) alone.push(await pictures(jobOf(prompt, index), false));
    const posted = vi.spyOn(InferenceProcess.prototype, 'post');
    const together = await Promise.all(PROMPTS.map((prompt, index) => pictures(jobOf(prompt, index), true)));
    const runs = posted.mock.calls.map(([message]) => message).filter((message) => message.type === 'run');
    posted.mockRestore();
    expect(together).toEqual(alone);
    // What joining copies is garbage of the inference process: here it would stop packets and answers.
    expect(runs.filter(({ feeds }) => feeds.length === PROMPTS.length).length).toBeGreaterThan(runs.length / 2);
    expect(sizes.filter((size) => size === PROMPTS.length).length).toBeGreaterThan(sizes.length / 2);
  });
});
