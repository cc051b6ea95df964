/** How far a session's pictures are refined: what calibration found, what the viewer asks for, and at which sizes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToyPack } from '../../scripts/make-toy-pack.ts';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import type { Tier } from '../../src/picture/tiers.ts';
import { ladder } from '../../src/picture/rungs.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

let folder: string;
let generator: OnnxGenerator;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-tiers-'));
  await makeToyPack(folder);
  generator = await OnnxGenerator.create({ modelDirectory: folder, threads: 1 });
});
afterAll(async () => {
  await generator.close();
  await rm(folder, { recursive: true });
});

/** A session that shows what it can; its best tier and largest encoded picture so far. */
async function watch(measured: Tier | undefined, asked?: Tier) {
  const rungs = ladder({ widthPx: 128, heightPx: 128 });
  // Room enough: on a busy machine admission would lower the caps, which is not what is asked here.
  const engine = { capacity: 1_000 };
  const { sessions, peers } = sessionFixture({ generator, rungs, engine, usualTier: measured });
  const session = await sessions.create({ ...REQUEST, prompt: 'red', ...(asked ? { tierCap: asked } : {}) });
  const seen = { tiers: new Set<Tier>(), widthsPx: new Set<number>() };
  session.events.on('tier', ({ tier }) => seen.tiers.add(tier));
  session.events.on('playing', ({ widthPx }) => seen.widthsPx.add(widthPx));
  await session.answer('offer');
  peers.last.connect();
  return { session, seen };
}

describe('a session that asks for no tier', () => {
  it.each<[string, Tier | undefined, Tier]>([
    ['is not upscaled before the machine was measured', undefined, 'refined'],
    ['is upscaled on a machine that holds it', 'upscaled', 'upscaled'],
    ['stays at base on one that holds no more', 'base', 'base'],
  ])('%s', async (_, measured, expected) => {
    const { session, seen } = await watch(measured);
    expect(session.stats.tierCap).toBe(expected);
    await expect.poll(() => [...seen.tiers]).toContain(expected);
    await expect.poll(() => session.stats.tier).toBe(expected);
    if (expected !== 'upscaled') expect(seen.tiers).not.toContain('upscaled');
    await session.close('done');
  });
});

describe('a viewer', () => {
  it('may ask for more than was measured, and for less', async () => {
    const { session, seen } = await watch('refined', 'upscaled');
    await expect.poll(() => [...seen.tiers]).toContain('upscaled');
    await session.control({ type: 'steer', tierCap: 'draft', transition: 'cut' });
    expect(session.stats.tierCap).toBe('draft');
    await session.close('done');
  });

  it('is sent no more pixels than the tier has, and all of them when it rises', async () => {
    const { session, seen } = await watch('refined');
    await expect.poll(() => session.stats.tier).toBe('refined');
    expect([...seen.widthsPx]).toEqual([128]);
    await session.control({ type: 'steer', tierCap: 'upscaled', transition: 'cut' });
    await expect.poll(() => [...seen.widthsPx]).toContain(256);
    await session.close('done');
  });
});

describe('accepted', () => {
  it('says what was understood and which words were not', async () => {
    const { session } = await watch('refined');
    const { revision } = await session.accepted;
    const accepted = await session.control({ type: 'prompt', prompt: 'a yellow zeppelin 🚀', transition: 'cut' });
    expect(accepted).toMatchObject({
      revision: revision + 1,
      reading: { fields: { color: 'yellow' }, unknownWords: ['a', 'zeppelin', '🚀'] },
    });
    await session.close('done');
  });
});
