import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../../src/errors.ts';
import type { GenerateOptions, Rendition, SliceJob } from '../../../src/generation/generator.ts';
import { gradeOf } from '../../../src/generation/grades.ts';
import { FEWER_STEPS } from '../../../src/generation/recovery/reduction.ts';
import { RetryingGenerator, type Retried } from '../../../src/generation/recovery/retrying-generator.ts';
import { CountingGenerator, type CountingOptions } from '../../support/counting-generator.ts';
import { SkippingClock } from '../../support/clock-at.ts';

const JOB: SliceJob = { revision: 0, slice: 0, prompt: 'a ball', seed: 1, startMs: 0, stopAtTier: 'refined' };
const down = (message = 'the worker died') => new GlimpseError('GENERATOR_DOWN', { message });

/** In virtual time: a pause takes none, and moves the clock. */
function retrying(counting: CountingOptions = {}) {
  const inner = new CountingGenerator(counting);
  const told: GlimpseError[] = [];
  const ended: Retried[] = [];
  const clock = new SkippingClock();
  const { waitsMs: pausesMs } = clock;
  const generator = new RetryingGenerator({
    generator: inner,
    clock,
    random: () => 1,
    onRetried: (retried) => ended.push(retried),
  });
  const controller = new AbortController();
  const options: GenerateOptions = { signal: controller.signal, onRetry: (error) => told.push(error) };
  const collect = async (job: Partial<SliceJob> = {}, more: Partial<GenerateOptions> = {}): Promise<Rendition[]> => {
    const renditions: Rendition[] = [];
    for await (const rendition of generator.generate({ ...JOB, ...job }, { ...options, ...more }))
      renditions.push(rendition);
    return renditions;
  };
  /** Fails the next `times` units of a tier. */
  const fail = (times: number, tier?: string, error: Error = down()) => {
    inner.fault = (at) => ((tier === undefined || at.tier === tier) && times-- > 0 ? error : undefined);
  };
  return { inner, generator, clock, controller, pausesMs, told, ended, collect, fail };
}
const tiers = (renditions: readonly Rendition[]) => renditions.map(({ tier }) => tier);

describe('what is counted', () => {
  it('is how each retried tier ended, once, and how the generator is doing', async () => {
    const { generator, collect, fail, ended } = retrying();
    await collect();
    expect(ended).toEqual([]);
    fail(2, 'base');
    await collect({ stopAtTier: 'base' });
    expect(ended).toEqual([{ reason: 'down', outcome: 'recovered' }]);
    expect(generator.health).toEqual({ circuit: 'closed', reduction: 'tier' });
    ended.length = 0;
    for (let slice = 0; slice < 3; slice++) {
      fail(99);
      await collect({ slice, stopAtTier: 'draft' }).catch(() => {});
    }
    expect(ended).toHaveLength(3);
    expect(new Set(ended.map(({ outcome }) => outcome))).toEqual(new Set(['given_up']));
    expect(generator.health).toEqual({ circuit: 'open', reduction: 'size' });
  });
});

describe('a failure that passes', () => {
  it.each(['draft', 'base', 'refined'])(
    'at the tier %s is not seen: each tier comes once, what was made is kept',
    async (tier) => {
      const { inner, collect, fail, told, pausesMs } = retrying();
      fail(1, tier);
      const renditions = await collect();
      expect(tiers(renditions)).toEqual(['draft', 'base', 'refined']);
      expect(inner.made).toEqual(['0:draft', '0:base', '0:refined']);
      expect(inner.jobs[1]?.startAtTier).toBe(tier);
      expect(renditions.filter(({ latents, tier }) => latents && tier !== 'draft')).toHaveLength(1);
      expect(pausesMs).toEqual([50]);
      expect(told).toEqual([expect.objectContaining({ code: 'GENERATOR_DOWN', retryable: true, retryAfterMs: 50 })]);
      expect(renditions.some(({ reduced }) => reduced)).toBe(false);
    },
  );

  it('gives the same pictures as if it had not been', async () => {
    const whole = await retrying().collect();
    const { collect, fail } = retrying();
    fail(1, 'base');
    expect((await collect()).map(({ frames }) => frames)).toEqual(whole.map(({ frames }) => frames));
  });

  it('in the middle of a tier that comes in runs repeats no frame', async () => {
    const { inner, collect } = retrying();
    const whole = inner.generate.bind(inner);
    let dies = true;
    inner.generate = async function* inRuns(...args) {
      for await (const { frames, ...rest } of whole(...args)) {
        yield { ...rest, frames: frames.slice(0, 2) };
        if (rest.tier === 'base' && dies) {
          dies = false;
          throw down();
        }
        yield { ...rest, frames: frames.slice(2), firstFrame: 2 };
      }
    };
    const runs = await collect();
    expect(runs.map(({ tier, firstFrame = 0, frames }) => `${tier} ${firstFrame}+${frames.length}`)).toEqual([
      'draft 0+2',
      'draft 2+2',
      'base 0+2',
      'base 2+2',
      'refined 0+2',
      'refined 2+2',
    ]);
  });
});

describe('drafts that get clearer', () => {
  it('all pass until the next tier begins, and none after it when the tier is made again', async () => {
    const { inner, collect } = retrying();
    const whole = inner.generate.bind(inner);
    let dies = true;
    inner.generate = async function* twice(...args) {
      for await (const { frames, ...rest } of whole(...args)) {
        yield { ...rest, frames: rest.tier === 'draft' ? frames : frames.slice(0, 2) };
        if (rest.tier === 'draft') {
          yield { ...rest, frames };
          continue;
        }
        if (dies) {
          dies = false;
          throw down();
        }
        yield { ...rest, frames: frames.slice(2), firstFrame: 2 };
      }
    };
    expect(tiers(await collect({ stopAtTier: 'base' }))).toEqual(['draft', 'draft', 'base', 'base']);
  });
});

describe('a failure that stays', () => {
  it('asks for less: after the tier the batch, the steps, the size; and then gives up', async () => {
    const { inner, collect, fail, pausesMs, told, generator } = retrying();
    fail(Infinity);
    await expect(collect()).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    expect(pausesMs).toEqual([50, 100, 200, 400, 800]);
    expect(told).toHaveLength(5);
    expect(inner.jobs.map(({ maxSteps }) => maxSteps)).toEqual([undefined, undefined, undefined, undefined, 2, 2]);
    expect(generator.tierCap).toBe('draft');
  });

  it('at the best tier alone costs that tier for a while, and the picture that is there stays', async () => {
    const { collect, fail, generator, clock, pausesMs } = retrying();
    fail(Infinity, 'refined');
    const seen: Rendition[] = [];
    await expect(
      (async () => {
        for await (const rendition of generator.generate(JOB, { signal: new AbortController().signal }))
          seen.push(rendition);
      })(),
    ).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });
    expect(tiers(seen)).toEqual(['draft', 'base']);
    expect(pausesMs).toEqual([50]);
    expect(generator.tierCap).toBe('base');
    await expect(collect({ startAtTier: 'refined' })).rejects.toMatchObject({ details: { tierCap: 'base' } });
    fail(0);
    clock.us += 10e6;
    expect(generator.tierCap).toBeUndefined();
    expect(tiers(await collect())).toEqual(['draft', 'base', 'refined']);
  });

  it('runs steps alone, and fewer of them, where memory is short; and says that it did', async () => {
    const { inner, collect, generator } = retrying();
    const kinds = new Set<string>();
    let running = 0;
    let together = 0;
    const turn: GenerateOptions['turn'] = async (unit) => {
      kinds.add(unit.kind);
      together = Math.max(together, ++running);
      await unit.run().finally(() => (running -= 1));
    };
    let failures = 4;
    inner.fault = () => (failures-- > 0 ? down('out of memory') : undefined);
    const [draft] = await collect({ stopAtTier: 'draft' }, { turn });
    expect(draft).toMatchObject({ tier: 'draft', reduced: true });
    expect(generator.tierCap).toBe('base');
    kinds.clear();
    together = 0;
    const both = await Promise.all([0, 1].map((slice) => collect({ slice, stopAtTier: 'base' }, { turn })));
    expect(both.flat().every(({ reduced }) => reduced)).toBe(true);
    expect([...kinds]).toEqual(['denoise/alone', 'decode-draft/alone', 'decode-base/alone']);
    expect(together).toBe(1);
    expect(inner.jobs.at(-1)?.maxSteps).toBe(FEWER_STEPS);
  });
});

describe('what is not retried', () => {
  it.each(['PARAMETER_INVALID', 'MODEL_INVALID', 'WORKFLOW_INVALID', 'ABORTED'] as const)('%s', async (code) => {
    const { collect, fail, pausesMs } = retrying();
    fail(1, 'base', new GlimpseError(code));
    await expect(collect()).rejects.toMatchObject({ code });
    expect(pausesMs).toEqual([]);
  });

  it('a job that was aborted while it paused', async () => {
    const { inner, collect, controller, fail, told } = retrying();
    fail(Infinity);
    await expect(collect({}, { onRetry: () => controller.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    expect([inner.jobs.length, told.length]).toEqual([1, 0]);
  });
});

describe('the circuit', () => {
  const giveUp = (collect: (job?: Partial<SliceJob>) => Promise<unknown>) =>
    expect(collect({ stopAtTier: 'draft' })).rejects.toMatchObject({ code: 'GENERATOR_DOWN' });

  it('opens after three slices were given up in a row, and then refuses at once, saying for how long', async () => {
    const { inner, collect, fail } = retrying();
    fail(Infinity);
    for (let slice = 0; slice < 3; slice++) await giveUp(collect);
    const asked = inner.jobs.length;
    await expect(collect({ stopAtTier: 'draft' })).rejects.toMatchObject({
      code: 'GENERATOR_UNAVAILABLE',
      retryable: true,
      retryAfterMs: 2_000,
    });
    expect(inner.jobs).toHaveLength(asked);
  });

  it('lets one through when its time is over, refuses the others meanwhile, and closes when that one succeeds', async () => {
    const { inner, collect, fail, clock } = retrying();
    fail(Infinity);
    for (let slice = 0; slice < 3; slice++) await giveUp(collect);
    clock.us += 2e6;
    fail(0);
    const held = Promise.withResolvers<void>();
    inner.gate = () => held.promise;
    const probe = collect({ stopAtTier: 'draft' });
    await expect(collect({ stopAtTier: 'draft' })).rejects.toMatchObject({ code: 'GENERATOR_UNAVAILABLE' });
    held.resolve();
    expect(tiers(await probe)).toEqual(['draft']);
    expect(tiers(await collect({ stopAtTier: 'draft' }))).toEqual(['draft']);
  });

  it('opens for twice as long when the probe fails, which is not retried', async () => {
    const { inner, collect, fail, clock } = retrying();
    fail(Infinity);
    for (let slice = 0; slice < 3; slice++) await giveUp(collect);
    clock.us += 2e6;
    const asked = inner.jobs.length;
    await giveUp(collect);
    expect(inner.jobs).toHaveLength(asked + 1);
    await expect(collect({ stopAtTier: 'draft' })).rejects.toMatchObject({ retryAfterMs: 4_000 });
  });

  it('is given back by a probe whose viewer left', async () => {
    const { inner, collect, fail, clock, controller } = retrying();
    fail(Infinity);
    for (let slice = 0; slice < 3; slice++) await giveUp(collect);
    clock.us += 2e6;
    fail(0);
    inner.gate = async () => controller.abort();
    await expect(collect({ stopAtTier: 'draft' })).rejects.toMatchObject({ code: 'ABORTED' });
    inner.gate = async () => {};
    expect(tiers(await collect({ stopAtTier: 'draft' }, { signal: new AbortController().signal }))).toEqual(['draft']);
  });
});

describe('a tier that comes fast and then in full', () => {
  const variant = () => 'fast' as const;

  it('is given both times', async () => {
    const { collect } = retrying({ hasFast: true });
    const renditions = await collect({}, { variant });
    expect(renditions.map(gradeOf)).toEqual(['draft', 'base', 'refined-fast', 'refined']);
  });

  it('is tried again where it failed, and what was given stays', async () => {
    const { inner, collect, fail } = retrying({ hasFast: true });
    fail(1, 'refined');
    expect((await collect({}, { variant })).map(gradeOf)).toEqual(['draft', 'base', 'refined-fast', 'refined']);
    expect(inner.made).toEqual(['0:draft', '0:base', '0:refined-fast', '0:refined']);
  });
});
