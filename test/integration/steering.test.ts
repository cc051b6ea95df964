/** Steering a session that runs on the embedded model: what is bent, kept or dropped, and what the viewer then sees. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultModelDirectory } from '../../src/generation/onnx/pack/model-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { PatternGenerator } from '../../src/generation/pattern/pattern.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import type { Session, SessionRequest } from '../../src/session/contract.ts';
import { RecordingGenerator } from '../support/recording-generator.ts';
import { sessionFixture } from '../support/session-fixture.ts';

const DAY = 'the sea by day';
const NIGHT = 'the sea at night';
const REQUEST: SessionRequest = { prompt: DAY, mode: 'live', seconds: 4, seed: 7 };

/** Mean luma of a slice's pictures. */
function brightness(frames: readonly I420Frame[] = []): number {
  const lumas = frames.flatMap(({ data, widthPx, heightPx }) => [...data.subarray(0, widthPx * heightPx)]);
  return lumas.reduce((sum, luma) => sum + luma, 0) / lumas.length;
}

describe('steering the embedded model', () => {
  let model: OnnxGenerator;
  let generator: RecordingGenerator;
  let session: Session;
  /** Slices that have found their place in the session's timeline, as `revision:slice`. */
  let placed: Set<string>;
  beforeAll(async () => {
    model = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
    await model.warmUp();
  });
  afterAll(() => model.close());
  beforeEach(() => {
    generator = new RecordingGenerator(model);
  });
  afterEach(() => session.close('done'));

  /** A session that plays. */
  async function play(request: Partial<SessionRequest> = {}): Promise<Session> {
    const { sessions, peers } = sessionFixture({ generator });
    session = await sessions.create({ ...REQUEST, ...request });
    const own = (placed = new Set());
    session.events.on('tier', ({ revision, slice }) => own.add(`${revision}:${slice}`));
    await session.answer('offer');
    peers.last.connect();
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(2);
    await isPlaced(0, 0);
    return session;
  }
  const isPlaced = (revision: number, slice: number) =>
    expect.poll(() => [...placed]).toContain(`${revision}:${slice}`);
  /** The best picture there is of a slice: on a busy machine one may be passed before it is more than a draft. */
  const best = (revision: number, slice: number) =>
    generator.renditions.findLast((made) => made.revision === revision && made.slice === slice);

  it('bends over slices: pictures between the two prompts, and the new one at the end', async () => {
    await play();
    const accepted = await session.control({ type: 'prompt', prompt: NIGHT, transitionSlices: 3 });
    expect(accepted).toMatchObject({
      revision: 1,
      running: 'bent',
      prompts: [{ prompt: NIGHT, fromSlice: 0, travelSlices: 3 }],
    });
    await isPlaced(1, 6);
    const day = brightness(best(0, 0)?.frames);
    const bend = [0, 1, 2, 3, 4, 5, 6].map((slice) => brightness(best(1, slice)?.frames));
    const night = bend.at(-1) ?? Number.NaN;
    expect(day - night).toBeGreaterThan(30);
    // Each slice is darker than the one before, but for what waves do; and the first is still mostly day.
    for (const [slice, value] of bend.slice(1).entries()) expect(value).toBeLessThan((bend[slice] ?? 0) + 4);
    expect(bend[0]).toBeGreaterThan((day + night) / 2);
    expect(bend[3]).toBeLessThan((day + night) / 2);
    const [job] = generator.jobs.filter(({ revision }) => revision === 1);
    expect(job).toMatchObject({ slice: 0, prompt: DAY, mix: { towards: NIGHT, amount: 1 / 3 } });
    expect(job?.start?.strength).toBeGreaterThan(0);
  });

  it('keeps the running slice at strength 0 and changes with the next', async () => {
    await play();
    const accepted = await session.control({ type: 'prompt', prompt: NIGHT, strength: 0 });
    expect(accepted).toMatchObject({ running: 'kept', prompts: [{ fromSlice: 1, travelSlices: 1 }] });
    await isPlaced(1, 1);
    expect(generator.jobs.filter(({ revision, slice }) => revision === 1 && slice === 0)).toEqual([]);
    expect(generator.jobs.find(({ revision, slice }) => revision === 1 && slice === 1)).toMatchObject({
      prompt: NIGHT,
    });
  });

  it('drops the running slice at a cut, and keeps everything when only the tier cap moves', async () => {
    await play();
    const kept = await session.control({ type: 'steer', tierCap: 'base' });
    expect(kept).toMatchObject({ revision: 0, running: 'kept' });
    const dropped = await session.control({ type: 'prompt', prompt: NIGHT });
    expect(dropped).toMatchObject({ revision: 1, running: 'dropped' });
    await isPlaced(1, 0);
    const [job] = generator.jobs.filter(({ revision }) => revision === 1);
    expect(job).toMatchObject({ prompt: NIGHT, startMs: 0 });
    expect(job).not.toHaveProperty('start');
    expect(job).not.toHaveProperty('previous');
  });

  it('lets weather and motion run on through a bend of the guidance, and keeps the place in a list', async () => {
    await play({ prompt: `${DAY} | ${NIGHT}` });
    await expect.poll(() => session.stats.playheadMs).toBeGreaterThan(1_500);
    const accepted = await session.control({ type: 'steer', guidance: 3.5 });
    expect(accepted).toMatchObject({ running: 'bent', prompt: `${DAY} | ${NIGHT}` });
    const bent = -(accepted.prompts?.[0]?.fromSlice ?? 0);
    expect(bent).toBeGreaterThanOrEqual(2);
    await isPlaced(1, 0);
    const [job] = generator.jobs.filter(({ revision }) => revision === 1);
    expect(job).toMatchObject({ guidance: 3.5, startMs: expect.closeTo((bent * 8000) / 12, 3) });
  });

  it('bends a clip as a whole, each slice from its own latents', async () => {
    await play({ mode: 'clip', seconds: 2 });
    await isPlaced(0, 2);
    expect(await session.control({ type: 'prompt', prompt: NIGHT, strength: 0.8 })).toMatchObject({ running: 'bent' });
    await isPlaced(1, 2);
    for (const slice of [0, 1, 2]) {
      const job = generator.jobs.findLast((made) => made.revision === 1 && made.slice === slice);
      expect(job).toMatchObject({ prompt: NIGHT, start: { strength: 0.8 } });
    }
    await expect(session.control({ type: 'prompt', prompt: DAY, strength: 0 })).rejects.toMatchObject({
      code: 'PARAMETER_INVALID',
    });
    await expect(session.control({ type: 'prompt', prompt: 'a | b | c | d' })).rejects.toMatchObject({
      code: 'PROMPT_LIST_TOO_LONG',
    });
    expect((await session.accepted).revision).toBe(1);
  });

  it('holds later slices to the first one where that is asked for, and none where it is not', async () => {
    await play({ adain: true });
    await expect.poll(() => generator.jobs.some(({ reference }) => reference !== undefined)).toBe(true);
    const first = generator.renditions.find(({ tier, latents }) => tier !== 'draft' && latents !== undefined);
    const held = generator.jobs.filter(({ reference }) => reference !== undefined);
    for (const { reference } of held) expect(reference).toEqual(first?.latents);
    await session.close('done');
    generator.jobs.length = 0;
    await play();
    await isPlaced(0, 2);
    expect(generator.jobs.every(({ reference }) => reference === undefined)).toBe(true);
  });

  it('says of a list which slices have which prompt, and which words of any of them it does not know', async () => {
    await play({ prompt: `${DAY} | a zebra | quux at night`, mode: 'clip', seconds: 4 });
    const { prompts, reading } = await session.accepted;
    expect(prompts?.map(({ fromSlice }) => fromSlice)).toEqual([0, 2, 4]);
    expect(prompts?.map(({ fields }) => fields?.['time'])).toEqual(['day', undefined, 'night']);
    expect(reading?.fields).toMatchObject({ scene: 'sea' });
    expect(reading?.unknownWords).toEqual(expect.arrayContaining(['zebra', 'quux']));
  });
});

describe('steering a generator without latents', () => {
  it('drops what it cannot bend, and says so', async () => {
    const { sessions, peers } = sessionFixture({
      generator: new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 20 }),
    });
    const session = await sessions.create(REQUEST);
    await session.answer('offer');
    peers.last.connect();
    await expect.poll(() => session.stats.framesSent).toBeGreaterThan(2);
    const change = { type: 'prompt', prompt: NIGHT, transition: 'continue', strength: 0.5 } as const;
    expect(await session.control(change)).toMatchObject({ revision: 1, running: 'dropped' });
    await session.close('done');
  });
});
