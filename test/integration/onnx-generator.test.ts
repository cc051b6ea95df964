/** The embedded model as shipped, run by the real runtime. What it draws is not judged here, only how it behaves. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GlimpseError } from '../../src/errors.ts';
import type { Rendition, SliceJob, UnitOfWork } from '../../src/generation/generator.ts';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { InferenceProcesses } from '../../bench/support/faults/inference-processes.ts';
import { i420Bytes } from '../../src/picture/frame.ts';
import { collect } from '../support/collect.ts';
import { eventually } from '../support/eventually.ts';

const OPTIONS = { modelDirectory: defaultModelDirectory(), threads: 1 };
const PROMPT = 'a red ball over a green meadow';
const JOB: SliceJob = { revision: 3, slice: 0, prompt: PROMPT, seed: 7, startMs: 0, stopAtTier: 'refined' };
const live = { signal: new AbortController().signal };

const pixels = (renditions: readonly Rendition[]): Uint8Array[] =>
  renditions.flatMap(({ frames }) => frames.map(({ data }) => data));

const tiersWithLatents = (renditions: readonly Rendition[]): string[] =>
  renditions.filter(({ latents }) => latents !== undefined).map(({ tier }) => tier);

const distance = (a: Float32Array, b: Float32Array): number =>
  Math.hypot(...a.map((value, at) => value - (b[at] ?? 0)));

/** What keeps the process alive, but for the timers of the test runner. */
const openResources = (): string[] =>
  process
    .getActiveResourcesInfo()
    .filter((kind) => kind !== 'Timeout')
    .toSorted();

describe('OnnxGenerator', () => {
  let generator: OnnxGenerator;
  const slice = (job: Partial<SliceJob> = {}): Promise<Rendition[]> =>
    collect(generator.generate({ ...JOB, ...job }, live));

  beforeAll(async () => {
    generator = await OnnxGenerator.create(OPTIONS);
  });
  afterAll(() => generator.close());

  it('yields its tiers lowest first, at the announced sizes', async () => {
    const renditions = await slice();
    expect(renditions.map(({ tier }) => tier)).toEqual(['draft', 'base', 'refined']);
    for (const [index, { revision, frames, computeMs }] of renditions.entries()) {
      const { widthPx = 0, heightPx = 0 } = generator.info.tiers[index] ?? {};
      expect(revision).toBe(3);
      expect(computeMs).toBeGreaterThan(0);
      expect(frames).toHaveLength(generator.info.slice.frames);
      expect(frames.every(({ data }) => data.length === i420Bytes(widthPx, heightPx))).toBe(true);
    }
  });

  it('makes a tier fast where it is asked to, and then in full where it is pulled again', async () => {
    const made = await collect(generator.generate(JOB, { ...live, variant: () => 'fast' }));
    expect(made.map(({ tier, variant, frames }) => [tier, variant, frames[0]?.widthPx, frames.length])).toEqual([
      ['draft', undefined, 64, 8],
      ['base', undefined, 64, 8],
      ['refined', 'fast', 128, 8],
      ['refined', undefined, 256, 8],
    ]);
    expect(tiersWithLatents(made)).toEqual(['draft', 'base']);
    expect(pixels(made.slice(3)), 'the same as without').toEqual(pixels((await slice()).slice(2)));
    const once = await collect(
      generator.generate({ ...JOB, startAtTier: 'refined' }, { ...live, variant: () => 'full' }),
    );
    expect(once.map(({ variant }) => variant)).toEqual([undefined]);
  });

  it('hands out latents with the draft and once with the finished picture', async () => {
    expect(tiersWithLatents(await slice())).toEqual(['draft', 'base']);
    expect(tiersWithLatents(await slice({ startAtTier: 'refined' }))).toEqual(['refined']);
  });

  it('moves what the prompt sets no motion for in one way, by the seed, and not in all at once', async () => {
    const latentsOf = async (prompt: string): Promise<Float32Array> => {
      const [base] = await slice({ prompt, startAtTier: 'base', stopAtTier: 'base' });
      return base?.latents ?? expect.unreachable('no latents');
    };
    const open = await latentsOf(PROMPT);
    const ways = await Promise.all(
      ['at rest', 'moving left', 'moving right'].map(async (way) =>
        distance(open, await latentsOf(`${PROMPT} ${way}`)),
      ),
    );
    const [nearest = 0, next = 0] = ways.toSorted((a, b) => a - b);
    expect(nearest).toBeLessThan(next / 4);
  });

  it('makes the same picture of the same job, whichever tiers are asked for', async () => {
    const whole = await slice();
    expect(pixels(await slice())).toEqual(pixels(whole));
    expect(pixels(await slice({ startAtTier: 'refined' }))).toEqual(pixels(whole.slice(2)));
    expect(pixels(await slice({ stopAtTier: 'draft' }))).toEqual(pixels(whole.slice(0, 1)));
  });

  it('refines finished latents to the very same picture, without a step', async () => {
    const [, base, refined] = await slice();
    const start = { latents: base?.latents as Float32Array, strength: 0 };
    const [again] = await slice({ startAtTier: 'refined', start });
    expect(again?.frames.map(({ data }) => data)).toEqual(refined?.frames.map(({ data }) => data));
    expect(await slice({ start })).toHaveLength(3);
  });

  it('draws something else for another seed, prompt, slice, or slice before it', async () => {
    const job = { startAtTier: 'base', stopAtTier: 'base' } as const;
    const [first] = await slice(job);
    const previous = first?.latents ?? new Float32Array();
    for (const change of [{ seed: 8 }, { prompt: 'snow in a city at night' }, { slice: 1 }, { previous }]) {
      const [other] = await slice({ ...job, ...change });
      expect(pixels(other === undefined ? [] : [other])).not.toEqual(pixels(first === undefined ? [] : [first]));
    }
  });

  it('leaves the latents it is given as they are', async () => {
    const [draft] = await slice({ stopAtTier: 'draft' });
    const previous = draft?.latents ?? new Float32Array();
    const copy = previous.slice();
    await slice({ previous });
    expect(previous).toEqual(copy);
  });

  it('clamps guidance to the range of the model', async () => {
    const job = { stopAtTier: 'draft' } as const;
    expect(pixels(await slice({ ...job, guidance: 1000 }))).toEqual(pixels(await slice({ ...job, guidance: 4 })));
  });

  it('computes a tier only when it is pulled, so that other jobs get in between', async () => {
    const waiting = generator.generate(JOB, live);
    const first = await waiting.next();
    const order: string[] = [];
    const refined = (async () => {
      for await (const { tier } of waiting) order.push(`waiting ${tier}`);
    })();
    const other = await slice({ seed: 9, stopAtTier: 'draft' });
    order.push(`other ${other[0]?.tier}`);
    await refined;
    expect(first.value?.tier).toBe('draft');
    expect(order).toEqual(['other draft', 'waiting base', 'waiting refined']);
  });

  it('passes every run of a part through its turn, one unit each, and draws the same', async () => {
    const kinds: string[] = [];
    const turn = async (unit: UnitOfWork): Promise<void> => {
      kinds.push(unit.kind);
      await unit.run();
    };
    const renditions = await collect(generator.generate(JOB, { ...live, turn }));
    expect(kinds.join(' ')).toMatch(
      /^denoiser:1x\d+x\d+ decoder:1x\S+( denoiser:\S+)* decoder:\S+( refiner:1x\S+:(\d)-\3){8}$/,
    );
    expect(new Set(kinds.filter((kind) => kind.startsWith('denoiser')))).toHaveLength(1);
    expect(pixels(renditions)).toEqual(pixels(await slice()));
  });

  it('asks for a turn for a text it does not know yet, and for none the next time', async () => {
    const kinds: string[] = [];
    const turn = async (unit: UnitOfWork): Promise<void> => {
      kinds.push(unit.kind);
      await unit.run();
    };
    const job: SliceJob = { ...JOB, prompt: 'a blue ring over the city, never asked for before', stopAtTier: 'draft' };
    await collect(generator.generate(job, { ...live, turn }));
    await collect(generator.generate(job, { ...live, turn }));
    expect(kinds.map((kind) => kind.split(':')[0])).toEqual(['text', 'denoiser', 'decoder', 'denoiser', 'decoder']);
  });

  it('ends with the error of a turn that never comes', async () => {
    const turn = (): Promise<void> => Promise.reject(new GlimpseError('ABORTED'));
    await expect(collect(generator.generate(JOB, { ...live, turn }))).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('stops between steps when aborted, and works on', async () => {
    const controller = new AbortController();
    const renditions = generator.generate(JOB, { signal: controller.signal });
    await renditions.next();
    const base = renditions.next();
    await nextTurn();
    controller.abort();
    await expect(base).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await renditions.next()).toEqual({ done: true, value: undefined });
    expect(await slice()).toHaveLength(3);
  });

  it('refuses latents of another model', async () => {
    await expect(slice({ previous: new Float32Array(10) })).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });

  it('says which words it does not know', async () => {
    const { unknownWords } = await generator.read('a red Zeppelin, 3 balls and a zeppelin');
    expect(unknownWords).toContain('zeppelin');
    expect(unknownWords.filter((word) => word === 'zeppelin')).toHaveLength(1);
    expect(unknownWords).not.toContain('red');
    expect(unknownWords).not.toContain('3');
  });

  it('understands its own examples', async () => {
    for (const example of generator.info.examples) {
      const { fields, unknownWords } = await generator.read(example);
      expect(Object.keys(fields).length).toBeGreaterThan(0);
      expect(unknownWords).toEqual([]);
    }
  });

  it('accepts a prompt in no known language', async () => {
    expect(await slice({ prompt: '🚀 красный шар', stopAtTier: 'draft' })).toHaveLength(1);
  });
});

describe('the inference process', () => {
  it('is replaced when it dies, and the job goes on from the step it was in', async () => {
    using processes = new InferenceProcesses();
    await using generator = await OnnxGenerator.create(OPTIONS);
    const undisturbed = await collect(generator.generate(JOB, live));
    const running = collect(generator.generate(JOB, live));
    const reading = generator.read('another prompt');
    processes.kill();
    expect(pixels(await running)).toEqual(pixels(undisturbed));
    await reading;
    expect(generator.restarts).toBe(1);
  });

  it('gives a run up with GENERATOR_DOWN when it has taken two processes down, and works on', async () => {
    using processes = new InferenceProcesses();
    await using generator = await OnnxGenerator.create(OPTIONS);
    const running = collect(generator.generate(JOB, live));
    processes.kill(1);
    await expect(running).rejects.toMatchObject({ code: 'GENERATOR_DOWN', retryable: true });
    expect(await collect(generator.generate(JOB, live))).toHaveLength(3);
    expect(generator.restarts).toBe(2);
  });

  it('finishes the run in progress when closed, refuses the rest, and leaves nothing behind', async () => {
    const before = openResources();
    using processes = new InferenceProcesses();
    const generator = await OnnxGenerator.create(OPTIONS);
    const job = collect(generator.generate(JOB, live));
    const refused = expect(job).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    await Promise.all([generator.close(), generator.close()]);
    await processes.end();
    await refused;
    await expect(generator.read('another prompt')).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    await eventually(() => expect(openResources()).toEqual(before));
  });

  it('takes no more runs than its bound', async () => {
    await using generator = await OnnxGenerator.create(OPTIONS);
    const reads = await Promise.allSettled(Array.from({ length: 80 }, (_, index) => generator.read(`prompt ${index}`)));
    expect(reads.filter(({ status }) => status === 'rejected')).not.toHaveLength(0);
    expect(reads.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(64);
  });
});
