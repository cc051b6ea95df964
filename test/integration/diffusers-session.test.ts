/** An image model in live sessions and behind the service, as any other generator. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToyDiffusers } from '../../scripts/make-toy-diffusers.ts';
import { DiffusersGenerator } from '../../src/generation/onnx/diffusers/diffusers-generator.ts';
import type { Tier } from '../../src/picture/tiers.ts';
import { ladder } from '../../src/picture/rungs.ts';
import { startPattern } from '../support/pattern-service.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glimpse-live-'));
  await makeToyDiffusers(folder);
});
afterAll(() => rm(folder, { recursive: true }));

describe('an image model', () => {
  it('streams live: every tier, slice after slice, and a new prompt bends what is shown', async () => {
    await using generator = await DiffusersGenerator.create({ modelDirectory: folder, threads: 1 });
    const rungs = ladder({ widthPx: 128, heightPx: 128 });
    const { sessions, peers } = sessionFixture({ generator, rungs, engine: { capacity: 1_000 } });
    const session = await sessions.create({ ...REQUEST, prompt: 'red sky' });
    const seen = new Map<number, Set<Tier>>();
    const slices = new Set<number>();
    session.events.on('tier', ({ revision, slice, tier }) => {
      seen.set(revision, (seen.get(revision) ?? new Set()).add(tier));
      slices.add(slice);
    });
    await session.answer('offer');
    peers.last.connect();
    await expect.poll(() => [...(seen.values().next().value ?? [])]).toContain('refined');
    await expect.poll(() => slices.size).toBeGreaterThan(1);
    const revisions = seen.size;
    await session.control({ type: 'prompt', prompt: 'blue cat' });
    await expect.poll(() => seen.size).toBeGreaterThan(revisions);
    await session.close('done');
  });

  it('is served by its directory alone', async () => {
    await using service = await startPattern({ generator: 'onnx', model: folder, size: undefined, fps: undefined });
    expect(service.generator.info.name).toBe('toy-diffusers');
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });
});
