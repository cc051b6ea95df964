/**
 * The real model and its real process, killed at every step together with the one that takes its place, which is more
 * than the runtime repeats by itself: the tier is tried again, and no picture is lost or another.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InferenceProcesses } from '../../bench/support/faults/inference-processes.ts';
import { systemClock } from '../../src/clock.ts';
import type { GlimpseError } from '../../src/errors.ts';
import type { Rendition, SliceJob } from '../../src/generation/generator.ts';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { RetryingGenerator } from '../../src/generation/recovery/retrying-generator.ts';

const PROMPT = 'a red ball over a green meadow';
const JOB: SliceJob = { revision: 0, slice: 0, prompt: PROMPT, seed: 7, startMs: 0, stopAtTier: 'refined' };
let generator: RetryingGenerator;
const processes = new InferenceProcesses();
let whole: Rendition[];
beforeAll(async () => {
  const onnx = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
  generator = new RetryingGenerator({ generator: onnx, clock: systemClock, random: Math.random });
  ({ renditions: whole } = await slice());
});
afterAll(async () => {
  processes[Symbol.dispose]();
  await generator[Symbol.asyncDispose]();
});

/** One slice, its process and the next killed before the unit with this number. */
async function slice(killAt = Infinity) {
  const renditions: Rendition[] = [];
  const told: GlimpseError[] = [];
  let units = 0;
  const options = {
    signal: new AbortController().signal,
    onRetry: (error: GlimpseError) => void told.push(error),
    turn: async (unit: { run(): Promise<void> }) => {
      if (units++ === killAt) processes.kill(1);
      await unit.run();
    },
  };
  for await (const rendition of generator.generate(JOB, options)) renditions.push(rendition);
  return { renditions, told, units };
}
const pixels = (renditions: readonly Rendition[]) => renditions.map(({ frames }) => frames.map(({ data }) => data));

describe('a process that dies', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])('before unit %i is replaced, and the pictures are the same', async (killAt) => {
    const { renditions, told } = await slice(killAt);
    expect(renditions.map(({ tier }) => tier)).toEqual(['draft', 'base', 'refined']);
    expect(pixels(renditions)).toEqual(pixels(whole));
    expect(told.map(({ code }) => code)).toEqual(['GENERATOR_DOWN']);
  });
});
