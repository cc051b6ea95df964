/** The ComfyUI backend as a `Generator`, over the stand-in server: tiers, continuation, faults. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { toGlimpseError } from '../../src/errors.ts';
import { ComfyUiGenerator } from '../../src/generation/comfyui/backend.ts';
import { ComfyClient } from '../../src/generation/comfyui/client.ts';
import { unpackFrames } from '../../src/generation/comfyui/continuation.ts';
import { ComfyPool } from '../../src/generation/comfyui/pool.ts';
import type { Graph } from '../../src/generation/comfyui/graph.ts';
import { InputFile } from '../../src/generation/comfyui/input-file.ts';
import { readParameters } from '../../src/generation/comfyui/settings.ts';
import { ltxWorkflow, WORKFLOW_NAMES, type WorkflowName } from '../../src/generation/comfyui/workflows/catalogue.ts';
import { isLastRun, type Rendition, type SliceJob } from '../../src/generation/generator.ts';
import type { I420Frame } from '../../src/media/frame.ts';
import { collect } from '../support/collect.ts';
import { OBJECT_INFO } from '../support/comfyui-object-info.ts';
import { ComfyStandIn, type StandInOptions } from '../support/comfyui-stand-in.ts';
import { expectNoLeaks, takeHoldings } from '../support/no-leaks.ts';
import { encodePng } from '../support/png.ts';
import { wholeRenditions } from '../support/whole-renditions.ts';
import { sessionFixture } from '../support/session-fixture.ts';

const FRAMES = 17;
/** The last nine are the first of the next slice. */
const SHOWN = FRAMES - 9;
const SIZE = { widthPx: 256, heightPx: 128 };
const HALF = { widthPx: 128, heightPx: 64 };
const JOB: SliceJob = { revision: 3, slice: 0, prompt: 'a red ball', seed: 7, startMs: 0, stopAtTier: 'refined' };
const never = new AbortController().signal;

interface Fixture extends AsyncDisposable {
  standIn: ComfyStandIn;
  generator: ComfyUiGenerator;
}

interface FixtureOptions extends StandInOptions {
  workflow?: WorkflowName;
  inputFile?: InputFile;
}

async function fixture({ workflow = 't2v-distilled', inputFile, ...options }: FixtureOptions = {}): Promise<Fixture> {
  const standIn = await ComfyStandIn.start(options);
  const parameters = { ...readParameters(undefined), ...SIZE, frames: FRAMES };
  const client = new ComfyClient({ url: standIn.url, silenceMs: 100 });
  const generator = new ComfyUiGenerator({
    pool: new ComfyPool({ clients: [client] }),
    workflow: ltxWorkflow(workflow, parameters),
    inputFile,
  });
  const close = async (): Promise<void> => {
    await generator.close();
    await standIn.close();
  };
  return { standIn, generator, [Symbol.asyncDispose]: close };
}

const generate = (generator: ComfyUiGenerator, changes: Partial<SliceJob> = {}): Promise<Rendition[]> =>
  wholeRenditions(generator.generate({ ...JOB, ...changes }, { signal: never }), generator.info.slice.frames);

/** The stand-in puts a frame's index into its red, so the luma rises from frame to frame. */
const lumaOf = ({ data }: I420Frame): number => data[0] ?? 0;
const sampled = (standIn: ComfyStandIn): number =>
  standIn.executed.filter((name) => name === 'SamplerCustomAdvanced').length;

async function takeTier(slice: AsyncIterator<Rendition>): Promise<void> {
  for (;;) {
    const { value } = (await slice.next()) as { value: Rendition };
    if (isLastRun(value, SHOWN)) return;
  }
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

  it('makes a draft of the first preview, where the server sends one', async () => {
    const preview = encodePng(32, 16, () => [200, 200, 200]);
    await using held = await fixture({ preview });
    const [draft, ...rest] = await generate(held.generator);
    expect(draft).toMatchObject({ tier: 'draft', frames: { length: SHOWN } });
    expect(draft?.frames[0]).toMatchObject(HALF);
    expect(rest.map(({ tier }) => tier)).toEqual(['base', 'refined']);
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
    expect(standIn.prompts.map(({ graph }) => graph['checkpoint']?.class_type)).toEqual([
      'CheckpointLoaderSimple',
      'LowVRAMCheckpointLoader',
      'LowVRAMCheckpointLoader',
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
    standIn.faults.stepMs = 50;
    const abort = new AbortController();
    const running = collect(generator.generate(JOB, { signal: abort.signal }));
    while (sampled(standIn) === 0) await sleep(2);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    while (standIn.queued.length > 0) await sleep(2);
    expect(standIn.interrupts).toHaveLength(1);
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
    session.events.on('tier', (e) => console.log(performance.now(), e.slice, e.tier));
    await session.answer('offer');
    await expect.poll(() => tiers, { timeout: 10_000 }).toContain('1:base');
    const { port } = standIn;
    await standIn.close();
    await expect.poll(() => errors, { timeout: 10_000 }).toContain('GENERATOR_DOWN');
    await using again = await ComfyStandIn.start({}, port);
    await expect.poll(() => tiers, { timeout: 25_000 }).toContain('2:refined');
    expect(tiers.filter((entry) => entry.endsWith('base')).toSorted()).toEqual(['0:base', '1:base', '2:base']);
    expect(again.prompts.length).toBeGreaterThan(0);
    await session.close('done');
  });
});

describe('what a session brings', () => {
  const media = {
    kind: 'image',
    mediaType: 'image/png',
    sha256: 'c0ffee'.repeat(8),
    data: encodePng(16, 16, () => [9, 9, 9]),
  } as const;

  it('is what its slices begin from, with its own choices, and no other session sees it', async () => {
    await using held = await fixture({ workflow: 'i2v-full' });
    const { generator, standIn } = held;
    expect(generator.info).toMatchObject({ input: { kind: 'image', needed: true } });
    const options = { negativePrompt: 'rain', steps: 5, cameraMove: 'dolly-in' };
    await generate(generator, { input: media, options, stopAtTier: 'base' });
    const [{ graph } = { graph: {} as Graph }] = standIn.prompts;
    const name = String(graph['frame1']?.inputs['image']);
    expect(Buffer.from(standIn.uploads.get(name) ?? []).equals(Buffer.from(media.data))).toBe(true);
    expect(graph['negative-prompt']?.inputs['text']).toBe('rain');
    expect(graph['stage1-sigmas']?.inputs['steps']).toBe(5);
    expect(graph['stage1-lora1']?.inputs['lora_name']).toMatch(/dolly-in/);
  });

  it('is refused where the generator takes something else, and missed where it needs it', async () => {
    await using held = await fixture({ workflow: 'i2v-distilled' });
    const { sessions } = sessionFixture({ generator: held.generator });
    const request = { prompt: 'a red ball', mode: 'live', seconds: 4 } as const;
    const refused = (more: object): Promise<void> =>
      expect(sessions.create({ ...request, ...more })).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
    await refused({});
    await refused({ media: { ...media, kind: 'video' } });
    await refused({ media, steps: 4 });
    await refused({ media, cameraMove: '../../models' });
    await (await sessions.create({ ...request, media, cameraMove: 'static' })).close('done');
  });
});

describe('input files', () => {
  const withFile = async (name: string, data: Uint8Array, use: (path: string) => Promise<void>): Promise<void> => {
    const directory = await mkdtemp(join(tmpdir(), 'glimpse-'));
    try {
      await writeFile(join(directory, name), data);
      await use(join(directory, name));
    } finally {
      await rm(directory, { recursive: true });
    }
  };
  const PNG = encodePng(16, 16, () => [9, 9, 9]);
  /** The first box of an MP4, which is all that is looked at here. */
  const MP4 = Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isomiso2', 'latin1');

  it.each(WORKFLOW_NAMES)('run %s from end to end', async (workflow) => {
    const video = workflow === 'v2v-detailer' || workflow === 'ic-lora-distilled';
    await withFile(video ? 'in.mp4' : 'in.png', video ? MP4 : PNG, async (path) => {
      const inputFile = await InputFile.read(path);
      await using held = await fixture({ workflow, inputFile });
      const renditions = await generate(held.generator);
      expect(renditions.map(({ tier }) => tier)).toEqual(['base', 'refined']);
      for (const { frames } of renditions) expect(frames).toHaveLength(held.generator.info.slice.frames);
      expect(held.standIn.uploads.size).toBe(1);
    });
  });

  it('are refused when they are neither picture nor video, or not what the workflow needs', async () => {
    await withFile('in.png', Buffer.from('<svg/>'), async (path) => {
      await expect(InputFile.read(path)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    });
    await withFile('in.png', PNG, async (path) => {
      const inputFile = await InputFile.read(path);
      const workflow = ltxWorkflow('v2v-detailer', { ...readParameters(undefined), ...SIZE });
      await using client = new ComfyClient({ url: 'http://127.0.0.1:1' });
      const pool = new ComfyPool({ clients: [client] });
      expect(() => new ComfyUiGenerator({ pool, workflow, inputFile })).toThrowError(/v2v-detailer needs a video/);
    });
    await expect(InputFile.read('/no/such/file.png')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
