/** How live sessions share one model: late frames, drafts and CPU at 1, 2, 4 and 8; a newcomer; the line behind admission. */
import { LiveSessions, median, until, type Viewer } from '../live-sessions.ts';
import { packsOf } from '../packs.ts';
import type { ModelPack } from '../../../src/generation/onnx/pack/model-pack.ts';
import type { Tier } from '../../../src/picture/tiers.ts';
import type { Figure, Section } from '../section.ts';

const DRAFT_TIMEOUT_MS = 20_000;

async function together(live: LiveSessions, count: number, tierCap: Tier, seconds: number): Promise<Figure[]> {
  const viewers: Viewer[] = [];
  for (let index = 0; index < count; index++) viewers.push(await live.open(tierCap, index));
  await until(() => viewers.every(({ draftMs }) => draftMs !== undefined), DRAFT_TIMEOUT_MS);
  // The first slices are made in a hurry; what counts is how it goes on.
  await live.watch(3);
  const { lateShare, cpuShare, refinedShare } = await live.watch(seconds);
  const row = `${count} up to ${tierCap}`;
  const figure = (column: string, value: number, unit: string): Figure => ({
    name: `${row}: ${column}`,
    value,
    unit,
    cell: { row, column },
  });
  const goal = count === 4 && tierCap === 'base' ? { goal: { atMost: 1 } } : {};
  for (const viewer of viewers) await live.close(viewer);
  const draftMs = median(viewers.map((viewer) => viewer.draftMs ?? Number.NaN));
  return [
    { ...figure('late frames', lateShare * 100, '%'), ...goal },
    figure('time to draft, median', draftMs, 'ms'),
    figure('CPU', cpuShare, 'of one core'),
    ...(tierCap === 'base' ? [] : [figure('slices refined', refinedShare * 100, '%')]),
  ];
}

/** Drafts of sessions that come one at a time, alone and while three others refine. */
async function newcomer(live: LiveSessions, times: number): Promise<Figure> {
  const draft = async (seed: number): Promise<number> => {
    const viewer = await live.open('refined', seed);
    await until(() => viewer.draftMs !== undefined, DRAFT_TIMEOUT_MS);
    await live.close(viewer);
    return viewer.draftMs ?? Number.NaN;
  };
  const alone: number[] = [];
  for (let run = 0; run < times; run++) alone.push(await draft(run));
  const others: Viewer[] = [];
  for (let index = 0; index < 3; index++) others.push(await live.open('refined', 100 + index));
  await live.watch(2);
  const beside: number[] = [];
  for (let run = 0; run < times; run++) {
    beside.push(await draft(run));
    await live.watch(0.37);
  }
  for (const viewer of others) await live.close(viewer);
  const limit = median(alone);
  return {
    name: 'newcomer beside 3: time to draft',
    value: median(beside),
    unit: 'ms',
    limit,
    goal: { atMost: 2 * limit },
  };
}

/** Capacity for four at base: the fifth waits, and gets its turn when one of them leaves. */
async function line(pack: ModelPack): Promise<Figure[]> {
  const sample = await LiveSessions.start(pack);
  const first = await sample.open('base', 0);
  await sample.watch(3);
  const { frames, fps } = pack.manifest.slice;
  const load = sample.engine.scheduler.costs.sliceMs('base') / ((frames * 1000) / fps);
  await sample.close(first);
  const { costs } = sample.engine.scheduler;
  const known = (['draft', 'base'] as const).map((tier) => [tier, costs.gradeMs(tier) ?? 0] as const);
  await sample[Symbol.asyncDispose]();
  await using live = await LiveSessions.start(pack, { capacity: 4.5 * load });
  for (const [tier, ms] of known) live.engine.scheduler.costs.observe(tier, ms);
  const viewers: Viewer[] = [];
  for (let index = 0; index < 5; index++) viewers.push(await live.open('base', index));
  const fifth = (await viewers[4]?.session.accepted)?.queuePosition ?? 0;
  const position = { name: 'fifth of four: place in line', value: fifth, unit: '', goal: { atLeast: 1 } };
  const leftMs = performance.now();
  await live.close(viewers[0] as Viewer);
  await until(() => viewers[4]?.draftMs !== undefined, DRAFT_TIMEOUT_MS);
  return [
    { name: 'one live session at base: predicted load', value: load * 100, unit: '%' },
    position,
    { name: 'fifth: draft after one has left', value: performance.now() - leftMs, unit: 'ms' },
  ];
}

const section: Section = {
  name: 'sessions',
  title: 'live sessions over one model on one thread (limit: the same alone)',
  order: 50,
  async run({ model, quick, onProgress }) {
    const [pack] = await packsOf(model);
    if (!pack) return [];
    const seconds = quick ? 5 : 20;
    const figures: Figure[] = [];
    {
      await using live = await LiveSessions.start(pack);
      for (const tierCap of ['base', 'refined'] as const) {
        for (const count of [1, 2, 4, 8]) {
          onProgress(`${count} up to ${tierCap}`);
          figures.push(...(await together(live, count, tierCap, seconds)));
        }
      }
      onProgress('a newcomer');
      figures.push(await newcomer(live, quick ? 5 : 15));
    }
    onProgress('the line');
    figures.push(...(await line(pack)));
    return figures;
  },
};
export default section;
