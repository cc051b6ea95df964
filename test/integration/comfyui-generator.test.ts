/** The ComfyUI backend as a `Generator`, over the stand-in server: tiers, continuation, faults. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { toGlimpseError } from '../../src/errors.ts';
import { unpackFrames } from '../../src/generation/comfyui/continuation.ts';
import { isLastRun, type Rendition, type SliceJob } from '../../src/generation/generator.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import { collect } from '../support/collect.ts';
import {
  comfyFixture as fixture,
  FRAMES,
  generateSlice as generate,
  JOB,
  never,
  SIZE,
} from '../support/comfyui-fixture.ts';
import { OBJECT_INFO } from '../../bench/support/comfyui/comfyui-object-info.ts';
import { PREVIEW_LUMAS } from '../../bench/support/comfyui/comfyui-stand-in-previews.ts';
import { ComfyUiGenerator } from '../../src/generation/comfyui/comfyui-generator.ts';
import { ComfyClient } from '../../src/generation/comfyui/server/client.ts';
import { ComfyPool } from '../../src/generation/comfyui/server/pool.ts';
import { ltxWorkflow } from '../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import { readParameters } from '../../src/generation/comfyui/workflows/settings.ts';
import { ComfyStandIn } from '../../bench/support/comfyui/comfyui-stand-in.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { sessionFixture } from '../support/session-fixture.ts';

/** The last nine are the first of the next slice. */
const SHOWN = FRAMES - 9;
const HALF = { widthPx: 128, heightPx: 128 };

/** The stand-in puts a frame's index into its red, so the luma rises from frame to frame. */
const lumaOf = ({ data }: I420Frame): number => data[0] ?? 0;
/** Video's luma of a grey: 16 to 235. */
const Y_OF_GREY = (grey: number): number => 16 + (grey * 219) / 255;
const sampled = (standIn: ComfyStandIn): number =>
  standIn.executed.filter((name) => name === 'SamplerCustomAdvanced').length;

async function takeTier(slice: AsyncIterator<Rendition>): Promise<void> {
  for (;;) {
    const { value } = (await slice.next()) as { value: Rendition };
    if (isLastRun(value, SHOWN)) return;
  }
}

/** The last run of each tier: the one that carries the sound. */
async function withSound(generator: ComfyUiGenerator, changes: Partial<SliceJob> = {}): Promise<Rendition[]> {
  const runs = await collect(generator.generate({ ...JOB, ...changes }, { signal: never }));
  return runs.filter((run) => isLastRun(run, SHOWN));
}

describe('ComfyUiGenerator', () => {
  it('yields base and refined with every frame in its place, and samples each stage once', async () => {
    const before = takeHoldings();
    {
      await using held = await fixture();
      const { generator, standIn } = held;
      const renditions = await generate(generator);
      expect(renditions.map(({ tier, revision }) => [tier, revision])).toEqual([
        ['base', 3],
        ['refined', 3],
      ]);
      for (const { frames, tier } of renditions) {
        expect(frames).toHaveLength(SHOWN);
        const { widthPx, heightPx } = tier === 'base' ? HALF : SIZE;
        for (const frame of frames) expect(frame).toMatchObject({ widthPx, heightPx });
        const lumas = frames.map(lumaOf);
        expect(lumas).toEqual([...new Set(lumas)].toSorted((a, b) => a - b));
      }
      expect(sampled(standIn)).toBe(2);
      expect(generator.info.slice).toEqual({ frames: SHOWN, fps: 24 });
    }
    await expectNoLeaks(before);
  });

  it('computes nothing of a tier before it is asked for', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    const slice = generator.generate({ ...JOB, startAtTier: 'base' }, { signal: never });
    expect(standIn.prompts).toHaveLength(0);
    await takeTier(slice);
    expect(sampled(standIn)).toBe(1);
    await slice.return();
    expect(sampled(standIn)).toBe(1);
  });

  it('makes a draft of each preview, clearer from step to step, until the first frame is there', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    const seen: [string, number][] = [];
    const { promise, resolve: nextStep } = Promise.withResolvers<void>();
    standIn.faults.holdSteps = promise;
    for await (const rendition of generator.generate({ ...JOB, startAtTier: 'draft' }, { signal: never })) {
      const [frame] = rendition.frames;
      seen.push([rendition.tier, frame ? lumaOf(frame) : -1]);
      if (rendition.tier !== 'draft') continue;
      expect(rendition.frames).toHaveLength(SHOWN);
      expect(frame).toMatchObject(HALF);
      if (seen.length === 1) nextStep();
    }
    const drafts = seen.filter(([tier]) => tier === 'draft').map(([, luma]) => luma);
    expect(drafts[0]).toBeCloseTo(Y_OF_GREY(PREVIEW_LUMAS[0] ?? 0), -1);
    expect(drafts).toEqual(drafts.toSorted((a, b) => a - b));
    expect(seen.map(([tier]) => tier).filter((tier, index, all) => tier !== all[index - 1])).toEqual([
      'draft',
      'base',
      'refined',
    ]);
    // Only the first stage has a tier below it.
    expect(standIn.prompts.map(({ previewMethod }) => previewMethod)).toEqual(['latent2rgb', 'none']);
  });

  it('asks for no previews where no draft is wanted, and goes without where the server sends none', async () => {
    await using held = await fixture({ withoutPreviews: true });
    await generate(held.generator, { stopAtTier: 'base' });
    expect(held.standIn.prompts[0]?.previewMethod).toBe('none');
    const renditions = await generate(held.generator, { startAtTier: 'draft', seed: 9 });
    expect(renditions.map(({ tier }) => tier)).toEqual(['base', 'refined']);
  });

  it('yields one draft and ends the prompt where nothing more is asked', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    const renditions = await generate(generator, { startAtTier: 'draft', stopAtTier: 'draft' });
    expect(renditions.map(({ tier }) => tier)).toEqual(['draft']);
    while (standIn.queued.length > 0) await sleep(2);
  });

  it('begins a slice with the last nine frames of the one before, byte for byte and in order', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    const [base, refined] = await generate(generator);
    expect(refined?.latents).toBeUndefined();
    const last = unpackFrames(base?.latents ?? new Float32Array()).map(({ image }) => Buffer.from(image));
    expect(last).toHaveLength(FRAMES - SHOWN);
    await generate(generator, { slice: 1, previous: base?.latents as Float32Array });
    for (const { graph } of standIn.prompts.slice(2)) {
      const names = last.map((_, index) => String(graph[`frame${index + 1}`]?.inputs['image']));
      expect(names.every((name) => name.endsWith(' [temp]'))).toBe(true);
      expect(names.map((name) => Buffer.from(standIn.uploads.get(name) ?? []))).toEqual(last);
    }
  });

  it('hands on frames while the rest of them is still being sent', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    const { promise: goOn, resolve } = Promise.withResolvers<void>();
    standIn.faults.holdAtImage = { image: 4, until: goOn };
    const runs: { firstFrame: number; count: number; queued: number }[] = [];
    for await (const { frames, firstFrame = 0 } of generator.generate(
      { ...JOB, stopAtTier: 'base' },
      { signal: never },
    )) {
      runs.push({ firstFrame, count: frames.length, queued: standIn.queued.length });
      if (firstFrame + frames.length === 4) resolve();
    }
    // The prompt still runs at the server when the first frames are there.
    expect(runs[0]).toMatchObject({ firstFrame: 0, queued: 1 });
    for (const [index, { firstFrame }] of runs.slice(1).entries())
      expect(firstFrame).toBe((runs[index]?.firstFrame ?? 0) + (runs[index]?.count ?? 0));
    expect(runs.reduce((sum, { count }) => sum + count, 0)).toBe(SHOWN);
  });

  it('tells how far it is: steps first, then frames', async () => {
    await using held = await fixture();
    const ratios: number[] = [];
    const onProgress = ({ ratio }: { ratio: number }): void => void ratios.push(ratio);
    const job = { ...JOB, stopAtTier: 'base' } as const;
    await collect(held.generator.generate(job, { signal: never, onProgress }));
    expect(ratios).toEqual(ratios.toSorted((a, b) => a - b));
    expect(ratios).toContain(0.4);
    expect(ratios.at(-1)).toBeCloseTo(1);
  });

  it('refuses latents of another generator', async () => {
    await using held = await fixture();
    const previous = new Float32Array(64);
    await expect(generate(held.generator, { previous })).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
  });

  it('tries once with less memory, at the size that was promised, and then says so', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    standIn.faults.outOfMemory = 1;
    const renditions = await generate(generator);
    expect(renditions.at(-1)?.frames[0]).toMatchObject(SIZE);
    expect(standIn.frees).toBe(1);
    expect(standIn.prompts.map(({ graph }) => graph['base-decode'] ?? graph['refined-decode'])).toMatchObject([
      { inputs: { tile_size: 512 } },
      { inputs: { tile_size: 256 } },
      { inputs: { tile_size: 256 } },
    ]);
    standIn.faults.outOfMemory = 9;
    await expect(generate(generator, { seed: 8 })).rejects.toMatchObject({
      code: 'GENERATOR_DOWN',
      details: { reason: 'out-of-memory' },
    });
  });

  it('loses no frame when the socket is cut in the middle of a tap', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    standIn.faults.dropSocketAtImage = 4;
    const [base] = await generate(generator, { stopAtTier: 'base' });
    expect(new Set(base?.frames.map(lumaOf)).size).toBe(SHOWN);
    expect(base?.frames).toHaveLength(SHOWN);
    expect(sampled(standIn)).toBe(1);
  });

  it('connects under a new id where the server has forgotten it, and asks once more', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    standIn.faults.forgetClientAtImage = 4;
    const [base] = await generate(generator, { stopAtTier: 'base' });
    expect(new Set(base?.frames.map(lumaOf)).size).toBe(SHOWN);
    const [first, second] = standIn.prompts.map(({ clientId }) => clientId);
    expect(second).toBeDefined();
    expect(second).not.toBe(first);
    expect(sampled(standIn)).toBe(1);
  });

  it('brings the sound of each stage, as long as the slice, without what the next slice begins with', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    expect(generator.info.sound).toEqual({ channels: 2 });
    const renditions = await withSound(generator);
    const wanted = (SHOWN * 48_000) / 24;
    expect(renditions.map(({ tier, audio }) => [tier, audio?.channels, audio?.samples.length])).toEqual([
      ['base', 2, wanted * 2],
      ['refined', 2, wanted * 2],
    ]);
    // The run's sound is a ramp over all its frames: the slice ends where eight of seventeen are over.
    const last = renditions[0]?.audio?.samples.at(-1) ?? 2;
    expect(last).toBeCloseTo((2 * SHOWN) / FRAMES - 1, 2);
    expect(standIn.prompts).toHaveLength(2);
  });

  it('is silent where the sound is too short, and pads what is almost long enough', async () => {
    await using held = await fixture();
    held.standIn.faults.soundSeconds = 0.02;
    const short = await withSound(held.generator, { stopAtTier: 'base' });
    expect(short.map(({ audio }) => audio)).toEqual([undefined]);
    held.standIn.faults.soundSeconds = 0.3;
    const [padded] = await withSound(held.generator, { stopAtTier: 'base', seed: 9 });
    expect(padded?.audio?.samples).toHaveLength(((SHOWN * 48_000) / 24) * 2);
    expect(padded?.audio?.samples.at(-1)).toBe(0);
  });

  it('says so where a node blocks the tap, and does not ask again', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    standIn.faults.blockedTaps = true;
    await expect(generate(generator)).rejects.toMatchObject({
      code: 'GENERATOR_DOWN',
      details: { reason: 'node-failed' },
    });
    expect(standIn.prompts).toHaveLength(1);
  });

  it('takes an older family where a file of the newest is damaged', async () => {
    await using standIn = await ComfyStandIn.start();
    const parameters = { ...readParameters(undefined), widthPx: 384, heightPx: 384, frames: 17 };
    const chosen: (string | undefined)[] = [];
    await using generator = new ComfyUiGenerator({
      pool: new ComfyPool({ clients: [new ComfyClient({ url: standIn.url })] }),
      workflow: ltxWorkflow('t2v-distilled', parameters),
      onChosen: ({ family }) => chosen.push(family),
    });
    standIn.faults.damagedFile = 'UNETLoader';
    await expect(generate(generator)).rejects.toMatchObject({ details: { reason: 'file-damaged' } });
    await generate(generator, { stopAtTier: 'base' });
    expect(chosen).toEqual(['2.5', '2.3']);
  });

  it('shows no picture of another prompt', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    Object.assign(standIn.faults, { foreignPictures: true, malformedBinary: true });
    const renditions = await generate(generator);
    // Foreign pictures are blue: U far above the middle.
    for (const { frames } of renditions)
      for (const { data, widthPx, heightPx } of frames) expect(data[widthPx * heightPx]).toBeLessThan(140);
    expect(standIn.foreignPicturesSent).toBe(2 * FRAMES);
  });

  it('says GENERATOR_DOWN while the server is gone, and works when it is back', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    const { port } = standIn;
    await standIn.close();
    await expect(generate(generator)).rejects.toMatchObject({ code: 'GENERATOR_DOWN', retryable: true });
    await using again = await ComfyStandIn.start({}, port);
    expect(await generate(generator, { stopAtTier: 'base' })).toHaveLength(1);
    expect(again.prompts).toHaveLength(1);
  });

  it('interrupts the server when a job is aborted', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    standIn.faults.holdSteps = promise;
    const abort = new AbortController();
    const running = collect(generator.generate(JOB, { signal: abort.signal }));
    while (sampled(standIn) === 0) await sleep(2);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    while (standIn.cancels.length === 0) await sleep(2);
    goOn();
    while (standIn.queued.length > 0) await sleep(2);
    // In one step: a prompt that has just begun is not missed between two.
    expect([standIn.cancels.length, standIn.interrupts.length]).toEqual([1, 0]);
  });

  it('names at the start all that the server lacks', async () => {
    const { LTXVLatentUpsampler: _, LTXVConditioning: __, ...objectInfo } = OBJECT_INFO;
    await using held = await fixture({ objectInfo });
    await expect(held.generator.warmUp()).rejects.toMatchObject({
      code: 'WORKFLOW_INVALID',
      details: { problems: { length: 2 } },
    });
    await using whole = await fixture();
    await whole.generator.warmUp();
    expect(whole.standIn.prompts).toEqual([]);
  });
});

describe('a session over ComfyUI', () => {
  it('goes from base to refined, tells its viewer when the server dies, and resumes when it is back', async () => {
    await using held = await fixture();
    const { generator, standIn } = held;
    const { sessions } = sessionFixture({ generator });
    const session = await sessions.create({ prompt: 'a red ball', mode: 'clip', seconds: 1 });
    const tiers: string[] = [];
    const errors: string[] = [];
    session.events.on('tier', ({ slice, tier }) => tiers.push(`${slice}:${tier}`));
    session.events.on('error', (error) => errors.push(toGlimpseError(error).code));
    await session.answer('offer');
    await expect.poll(() => tiers).toContain('1:base');
    const { port } = standIn;
    await standIn.close();
    await expect.poll(() => errors).toContain('GENERATOR_DOWN');
    await using again = await ComfyStandIn.start({}, port);
    await expect.poll(() => tiers).toContain('2:refined');
    expect(tiers.filter((entry) => entry.endsWith('base')).toSorted()).toEqual(['0:base', '1:base', '2:base']);
    expect(again.prompts.length).toBeGreaterThan(0);
    await session.close('done');
  });
});
