/** One live revision on a machine in virtual time: what it wants is made, one thing after another, at the machine's pace. */
import { describe, expect, it } from 'vitest';
import type { GeneratorInfo } from '../../../src/generation/generator.ts';
import { gradeOf, gradeRank, type Grade } from '../../../src/generation/grades.ts';
import { WorkCosts } from '../../../src/generation/engine/work-costs.ts';
import type { RunFacts } from '../../../src/stream/revisions/making.ts';
import { RevisionPlan } from '../../../src/stream/revisions/revision-plan.ts';
import { SliceVariants } from '../../../src/stream/revisions/slice-variants.ts';

const INFO: GeneratorInfo = {
  name: 'virtual',
  conditioning: '',
  slice: { frames: 8, fps: 12 },
  tiers: [
    { tier: 'draft', widthPx: 64, heightPx: 64 },
    { tier: 'base', widthPx: 64, heightPx: 64 },
    { tier: 'refined', widthPx: 256, heightPx: 256, fast: { widthPx: 128, heightPx: 128 } },
  ],
  examples: [],
  progressive: true,
};
const SLICE_MS = (INFO.slice.frames * 1000) / INFO.slice.fps;
/** A 2.8 GHz Xeon, one thread, nothing else running. */
const COSTS_MS: Record<Grade, number> = { draft: 40, base: 100, 'refined-fast': 78, refined: 302, upscaled: 0 };
const REFINED = gradeRank('refined-fast');

interface Seen {
  slice: number;
  /** As it was when its first frame was due. */
  grade: Grade | undefined;
}

interface Machine {
  slices: number;
  /** How many times as long work takes at an instant, ms. */
  paceAt: (ms: number) => number;
  info?: GeneratorInfo;
}

/** @returns slices as they were seen, and when the first sharp picture was there, ms from the start */
function play({ slices, paceAt, info = INFO }: Machine) {
  const costs = new WorkCosts();
  const variants = new SliceVariants({ info, costs });
  const made = new Map<number, Grade>();
  const seen: Seen[] = [];
  let firstSharpMs: number | undefined;
  let nowMs = 0;
  let startedMs: number | undefined;
  const playheadMs = () => (startedMs === undefined ? 0 : nowMs - startedMs);
  const facts = (): RunFacts => ({
    admitted: true,
    tierCap: 'refined',
    gradeCap: 'upscaled',
    playheadFrame: Math.floor((playheadMs() * INFO.slice.fps) / 1000),
    stands: false,
  });
  const plan = new RevisionPlan({ generator: { info }, sliceCount: undefined, variants }, facts());
  const advance = (ms: number) => {
    nowMs += ms;
    if (startedMs === undefined) return;
    for (let next = seen.length; playheadMs() >= next * SLICE_MS; next++)
      seen.push({ slice: next, grade: made.get(next) });
  };
  while (seen.length < slices) {
    plan.update(facts());
    const work = plan.next();
    if (work === undefined) {
      advance(SLICE_MS / 8);
      continue;
    }
    plan.begun(work);
    const grade = gradeOf(work);
    // A base that no draft was made for costs its step as well.
    const before = work.tier === 'base' && !made.has(work.slice) ? COSTS_MS.draft : 0;
    const computeMs = (COSTS_MS[grade] + before) * paceAt(nowMs);
    for (let spentMs = 0; spentMs < computeMs; spentMs += SLICE_MS / 8)
      advance(Math.min(SLICE_MS / 8, computeMs - spentMs));
    costs.observe(grade, computeMs);
    plan.reached(work.slice, grade);
    made.set(work.slice, grade);
    if (gradeRank(grade) >= REFINED) firstSharpMs ??= nowMs;
    startedMs ??= nowMs;
  }
  return Object.assign(seen.slice(0, slices), { firstSharpMs });
}

const sharp = (seen: readonly Seen[]) => seen.filter(({ grade }) => grade && gradeRank(grade) >= REFINED).length;
const changes = (seen: readonly Seen[]) =>
  seen.filter(({ grade }, index) => index > 0 && grade !== seen[index - 1]?.grade);

describe('a live revision', () => {
  it('is refined in full on a machine that holds it', () => {
    const seen = play({ slices: 60, paceAt: () => 1 });
    expect(seen.slice(2).every(({ grade }) => grade === 'refined')).toBe(true);
  });

  it('is refined fast, before it is seen and without a change, where full does not hold', () => {
    const seen = play({ slices: 60, paceAt: () => 2.5 });
    expect(seen.slice(3).every(({ grade }) => grade === 'refined-fast')).toBe(true);
  });

  it.each([
    [1, 250],
    [2, 500],
    [3, 1500],
  ])('has a sharp picture soon on a machine %d times as slow', (pace, withinMs) => {
    expect(play({ slices: 10, paceAt: () => pace }).firstSharpMs).toBeLessThanOrEqual(withinMs);
  });

  it('would be a blur for ever without a fast way', () => {
    const tiers = INFO.tiers.map((info) => ({ ...info, fast: undefined }));
    const seen = play({ slices: 60, paceAt: () => 2.5, info: { ...INFO, tiers } });
    expect(sharp(seen)).toBeLessThan(10);
  });

  it('falls back when the machine becomes busy, and returns when it is free again', () => {
    const busyFromMs = 20_000;
    const busyUntilMs = 40_000;
    const seen = play({ slices: 120, paceAt: (ms) => (ms >= busyFromMs && ms < busyUntilMs ? 2.5 : 1) });
    const during = seen.filter(({ slice }) => slice * SLICE_MS > busyFromMs && slice * SLICE_MS < busyUntilMs);
    // What was begun in full is late; a few slices later nothing is.
    expect(during.slice(5).every(({ grade }) => grade === 'refined-fast')).toBe(true);
    expect(sharp(during) / during.length).toBeGreaterThanOrEqual(0.85);
    const freeAgain = seen.filter(({ slice }) => slice * SLICE_MS > busyUntilMs + 15_000);
    expect(freeAgain.every(({ grade }) => grade === 'refined')).toBe(true);
  });

  it('tries again, in idle time, what a moment made look too slow', () => {
    // The first slice to be refined falls into a stall, so that nothing better is known of the fast way.
    const seen = play({ slices: 30, paceAt: (ms) => (ms >= 140 && ms < 150 ? 20 : 1) });
    expect(seen.firstSharpMs).toBeGreaterThan(1_500);
    expect(sharp(seen.slice(6))).toBe(24);
  });

  it('does not pump on a machine between the two', () => {
    const seen = play({ slices: 300, paceAt: (ms) => 1.4 + 0.4 * Math.sin(ms / 3_000) });
    expect(sharp(seen.slice(2)) / (seen.length - 2)).toBeGreaterThanOrEqual(0.95);
    expect(changes(seen.slice(2)).length).toBeLessThanOrEqual(24);
  });

  it('shows as much of it as there is time for, and never a slice that was not made, where even fast does not hold', () => {
    const seen = play({ slices: 100, paceAt: () => 3.6 });
    expect(seen.every(({ grade }) => grade !== undefined)).toBe(true);
    expect(sharp(seen.slice(2)) / seen.length).toBeGreaterThanOrEqual(0.5);
  });
});
