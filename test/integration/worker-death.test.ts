/**
 * The real model and its real thread, killed at every step together with the thread that takes its place, which is more
 * than the runtime repeats by itself: the tier is tried again, and no picture is lost or another.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { GlimpseError } from '../../src/errors.ts';
import type { Rendition, SliceJob } from '../../src/generation/generator.ts';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { RetryingGenerator } from '../../src/generation/recovery/retrying-generator.ts';

const PROMPT = 'a red ball over a green meadow';
const JOB: SliceJob = { revision: 0, slice: 0, prompt: PROMPT, seed: 7, startMs: 0, stopAtTier: 'refined' };
let generator: RetryingGenerator;
let thread: Worker;
let whole: Rendition[];
/** Threads that are to die as soon as they are there. */
let doomed = 0;

const follow = (worker: Worker): void => {
  thread = worker;
  if (doomed-- > 0) kill(worker);
};

/** A message it cannot read makes it throw, which is how a thread dies without taking the process with it. */
const kill = (worker: Worker): void => worker.postMessage(null, []);

beforeAll(async () => {
  process.on('worker', follow);
  const created = once(process, 'worker');
  const onnx = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
  await created;
  generator = new RetryingGenerator({ generator: onnx, clock: systemClock, random: Math.random });
  ({ renditions: whole } = await slice());
});
afterAll(async () => {
  process.off('worker', follow);
  await generator[Symbol.asyncDispose]();
});

/** One slice, its thread and the next killed before the unit with this number. */
async function slice(killAt = Infinity) {
  const renditions: Rendition[] = [];
  const told: GlimpseError[] = [];
  let units = 0;
  const options = {
    signal: new AbortController().signal,
    onRetry: (error: GlimpseError) => void told.push(error),
    turn: async (unit: { run(): Promise<void> }) => {
      if (units++ === killAt) {
        doomed = 1;
        kill(thread);
      }
      await unit.run();
    },
  };
  for await (const rendition of generator.generate(JOB, options)) renditions.push(rendition);
  return { renditions, told, units };
}
const pixels = (renditions: readonly Rendition[]) => renditions.map(({ frames }) => frames.map(({ data }) => data));

describe('a thread that dies', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])('before unit %i is replaced, and the pictures are the same', async (killAt) => {
    const { renditions, told } = await slice(killAt);
    expect(renditions.map(({ tier }) => tier)).toEqual(['draft', 'base', 'refined']);
    expect(pixels(renditions)).toEqual(pixels(whole));
    expect(told.map(({ code }) => code)).toEqual(['GENERATOR_DOWN']);
  });
});
