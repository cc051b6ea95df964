/** A session on a machine that has no time for the full refiner: what is made, sent and told, with real encoder and cache. */
import { describe, expect, it } from 'vitest';
import { CachingGenerator } from '../../src/generation/cache/caching-generator.ts';
import { LatentCache } from '../../src/generation/cache/latents.ts';
import { SegmentCache } from '../../src/generation/cache/segments.ts';
import type { Generator } from '../../src/generation/generator.ts';
import type { SessionEvents, SessionRequest } from '../../src/session/contract.ts';
import { CountingGenerator } from '../support/counting-generator.ts';
import { REQUEST, sessionFixture } from '../support/session-fixture.ts';

const PATIENT = { timeout: 15_000 };

/** @param refineMs what the full refiner is known to take; the fast one takes no time */
async function watch(generator: Generator, refineMs: number, request: Partial<SessionRequest> = {}) {
  const { sessions, peers, engine, counts } = sessionFixture({ generator, engine: { capacity: 1_000 } });
  engine.expect([
    { grade: 'refined-fast', ms: 1 },
    { grade: 'refined', ms: refineMs },
  ]);
  const session = await sessions.create({ ...REQUEST, seed: 7, ...request });
  const tiers: SessionEvents['tier'][0][] = [];
  const playing: SessionEvents['playing'][0][] = [];
  session.events.on('tier', (event) => tiers.push(event));
  session.events.on('playing', (event) => playing.push(event));
  await session.answer('offer');
  peers.last.connect();
  const refined = () => tiers.filter(({ tier }) => tier === 'refined');
  return { session, counts, refined, playing };
}

const cached = (): Generator =>
  new CachingGenerator({
    generator: new CountingGenerator({ hasFast: true }),
    identity: 'model-1',
    segments: new SegmentCache({ maxBytes: 1e7 }),
    latents: new LatentCache({ maxBytes: 1e6, maxDistance: 0 }),
    nearStrength: 0.25,
    nearSteps: 1,
  });

describe('a session without time for the full refiner', () => {
  it('refines fast, says so, shows it, and makes the picture in full that is paused on', async () => {
    const { session, counts, refined, playing } = await watch(new CountingGenerator({ hasFast: true }), 60_000);
    await expect.poll(() => playing.filter(({ variant }) => variant === 'fast').length, PATIENT).toBeGreaterThan(1);
    expect(refined().map(({ variant, widthPx }) => [variant, widthPx])).toContainEqual(['fast', 24]);
    expect(refined().every(({ variant }) => variant === 'fast')).toBe(true);
    expect(counts.get('refined-fast')).toBe(refined().length);
    expect(session.stats.tier).toBe('refined');
    await session.control({ type: 'pause' });
    await expect.poll(() => [playing.at(-1)?.tier, playing.at(-1)?.variant], PATIENT).toEqual(['refined', undefined]);
    const { slice } = playing.at(-1) ?? {};
    expect(
      refined()
        .filter((event) => event.slice === slice)
        .map(({ variant }) => variant),
    ).toEqual(['fast', undefined]);
    await session.close('done');
  });

  it('leaves the next session, which has time, nothing fast but for a moment', async () => {
    const generator = cached();
    const hurried = await watch(generator, 60_000);
    await expect.poll(() => hurried.refined().length, PATIENT).toBeGreaterThan(2);
    await hurried.session.close('done');
    const { session, refined } = await watch(generator, 1);
    const full = () => refined().filter(({ variant }) => variant === undefined);
    await expect.poll(() => full().length, PATIENT).toBeGreaterThan(2);
    await session.close('done');
  });

  it('makes a clip in full: it has no deadline', async () => {
    const clip = { mode: 'clip', seconds: 1 } as const;
    const { session, refined } = await watch(new CountingGenerator({ hasFast: true }), 60_000, clip);
    await expect.poll(() => refined().length, PATIENT).toBe(3);
    expect(refined().every(({ variant }) => variant === undefined)).toBe(true);
    await session.close('done');
  });
});
