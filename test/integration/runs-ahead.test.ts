/** Runs that wait inside the real inference process: what they draw, and what becomes of one that is taken back. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { InferenceProcesses } from '../../bench/support/faults/inference-processes.ts';
import { systemClock } from '../../src/clock.ts';
import type { GenerateOptions, SliceJob, UnitOfWork } from '../../src/generation/generator.ts';
import { defaultModelDirectory, loadModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator, workerParts } from '../../src/generation/onnx/model/onnx-generator.ts';
import type { Run } from '../../src/generation/onnx/runtime/run.ts';
import { OnnxRuntime } from '../../src/generation/onnx/runtime/runtime.ts';
import { float32, int64 } from '../../src/generation/onnx/process/tensor.ts';
import { Scheduler } from '../../src/generation/engine/scheduler.ts';
import { RANKS } from '../../src/generation/engine/turn-order.ts';
import { collect } from '../support/collect.ts';

const PROMPT = 'a red ball over a green meadow';
const { signal } = new AbortController();

describe('a slice whose next step waits in the process', () => {
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

describe('a batch given ahead', () => {
  it('never begins once it is withdrawn, and what was begun later goes before it', async () => {
    const pack = await loadModelPack(defaultModelDirectory());
    using processes = new InferenceProcesses();
    await using runtime = new OnnxRuntime({ parts: workerParts(pack), threads: 1 });
    await runtime.start();
    const answers: string[] = [];
    processes.newest.on('message', ({ type, id }: { type: string; id: number }) => answers.push(`${type} ${id}`));
    const { tokenizer, latent } = pack.manifest;
    const { maxWords, featuresPerWord } = tokenizer;
    const ids = int64(new BigInt64Array(maxWords * featuresPerWord), 1, maxWords, featuresPerWord);
    const noise = float32(new Float32Array(latent.tokens * latent.channels), 1, latent.tokens, latent.channels);
    const decoder = (): Run => ({ part: 'decoder', feeds: { latent: noise } });
    const text = (): Run => ({ part: 'text', feeds: { ids } });

    // A process that computes could be done with its run before another one waits behind it.
    const goOn = processes.hang();
    const running = runtime.begin([decoder()]);
    const waiting = runtime.begin([decoder(), decoder()]);
    const withdrawn = waiting.withdraw();
    const urgent = runtime.begin([text()]);
    goOn();
    expect(await withdrawn).toBe(true);
    for (const result of waiting.results) await expect(result).rejects.toMatchObject({ code: 'ABORTED' });
    await Promise.all([running, urgent].flatMap(({ results }) => results));
    // Answers come in order: the one after these is the first that could follow a batch that was not withdrawn.
    await runtime.run('text', text().feeds);
    expect(answers.filter((answer) => answer.startsWith('result')).map((answer) => answer.split(' ')[1])).toHaveLength(
      3,
    );
    expect(await urgent.withdraw()).toBe(false);
    expect(await waiting.withdraw()).toBe(false);
  });

  it('is not computed when nobody waits for it any more', async () => {
    const pack = await loadModelPack(defaultModelDirectory());
    using processes = new InferenceProcesses();
    await using runtime = new OnnxRuntime({ parts: workerParts(pack), threads: 1 });
    await runtime.start();
    const answered = vi.fn<(message: { type: string }) => void>();
    processes.newest.on('message', answered);
    const { maxWords, featuresPerWord } = pack.manifest.tokenizer;
    const ids = int64(new BigInt64Array(maxWords * featuresPerWord), 1, maxWords, featuresPerWord);
    const caller = new AbortController();
    const goOn = processes.hang();
    const running = runtime.run('text', { ids });
    const aborted = runtime.run('text', { ids }, { signal: caller.signal });
    caller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    goOn();
    await running;
    await runtime.run('text', { ids });
    expect(answered.mock.calls.filter(([{ type }]) => type === 'result')).toHaveLength(2);
  });
});
