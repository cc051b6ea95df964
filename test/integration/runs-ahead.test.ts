/** Runs that wait inside the real inference thread: what they draw, and what becomes of one that is taken back. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { GenerateOptions, SliceJob, UnitOfWork } from '../../src/generation/generator.ts';
import { defaultModelDirectory, loadModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator, workerParts } from '../../src/generation/onnx/model/onnx-generator.ts';
import type { Feeds } from '../../src/generation/onnx/runtime/run-queue.ts';
import { OnnxRuntime } from '../../src/generation/onnx/runtime/runtime.ts';
import { float32, int64 } from '../../src/generation/onnx/thread/tensor.ts';
import { ThreadHanger } from '../../bench/support/faults/hanging-thread.ts';
import { Scheduler } from '../../src/generation/engine/scheduler.ts';
import { RANKS } from '../../src/generation/engine/turn-order.ts';
import { collect } from '../support/collect.ts';

const PROMPT = 'a red ball over a green meadow';
const { signal } = new AbortController();

describe('a slice whose next step waits in the thread', () => {
  let generator: OnnxGenerator;
  beforeAll(async () => {
    generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
  });
  afterAll(() => generator.close());

  const pictures = async (job: Partial<SliceJob>, turn?: GenerateOptions['turn']): Promise<unknown> => {
    const whole: SliceJob = {
      revision: 0,
      slice: 0,
      prompt: PROMPT,
      seed: 7,
      startMs: 0,
      stopAtTier: 'refined',
      ...job,
    };
    const renditions = await collect(generator.generate(whole, turn ? { signal, turn } : { signal }));
    return renditions.map(({ tier, frames, latents }) => ({ tier, frames: frames.map(({ data }) => data), latents }));
  };
  /** Every unit is run when the one before it has ended. */
  const inOrder = (): NonNullable<GenerateOptions['turn']> => {
    let last: Promise<unknown> = Promise.resolve();
    return (unit) => {
      const ran = last.then(() => unit.run());
      last = ran;
      return ran;
    };
  };

  it('draws the same pictures as one whose steps come one by one', async () => {
    const scheduler = new Scheduler({ clock: systemClock });
    const claim = { rank: RANKS.playhead, deadlineUs: 0, costMs: 0, user: 'one', weight: 1 };
    const turn = (unit: UnitOfWork): Promise<void> => scheduler.turn(unit, claim, signal);
    for (const job of [{}, { startAtTier: 'refined' as const }])
      expect(await pictures(job, turn)).toEqual(await pictures(job, inOrder()));
  });

  it('holds latents to a reference before anything is drawn from them', async () => {
    const reference = new Float32Array(await latentLength()).fill(0.5);
    expect(await pictures({ reference })).toEqual(await pictures({ reference }, inOrder()));
  });
});

const latentLength = async (): Promise<number> => {
  const { manifest } = await loadModelPack(defaultModelDirectory());
  return manifest.latent.tokens * manifest.latent.channels;
};

describe('a run asked for ahead', () => {
  it('never begins once it is taken back, and what was asked for later goes before it', async () => {
    const pack = await loadModelPack(defaultModelDirectory());
    const created = once(process, 'worker');
    using hanger = await ThreadHanger.attach();
    await using runtime = new OnnxRuntime({ parts: workerParts(pack), threads: 1 });
    await runtime.start();
    const [thread] = (await created) as [Worker];
    const results: number[] = [];
    thread.on('message', ({ type, id }: { type: string; id: number }) => type === 'result' && results.push(id));
    const { tokenizer, latent } = pack.manifest;
    const { maxWords, featuresPerWord } = tokenizer;
    const text: Feeds = { ids: int64(new BigInt64Array(maxWords * featuresPerWord), 1, maxWords, featuresPerWord) };
    const noise = new Float32Array(latent.tokens * latent.channels);
    const decoder: Feeds = { latent: float32(noise, 1, latent.tokens, latent.channels) };

    // A thread that computes could be done with its run before another one waits behind it.
    const release = await hanger.hang();
    const running = runtime.begin('decoder', decoder);
    await new Promise(setImmediate);
    const waiting = runtime.begin('decoder', decoder, { ahead: true });
    await new Promise(setImmediate);
    expect(runtime.withdraw(waiting)).toBe(true);
    expect(runtime.withdraw(waiting)).toBe(false);
    const urgent = runtime.begin('text', text, { ahead: true });
    release();
    await expect(waiting.result).rejects.toMatchObject({ code: 'ABORTED' });
    await Promise.all([running.result, urgent.result]);
    // Answers come in order: the one after these is the first that could follow a run that was not taken back.
    await runtime.run('text', text);
    expect(results).toHaveLength(3);
    expect(runtime.withdraw(urgent)).toBe(false);
  });
});
