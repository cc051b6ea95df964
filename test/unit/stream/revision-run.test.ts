import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { Scheduler } from '../../../src/generation/engine/scheduler.ts';
import { RevisionRun } from '../../../src/stream/revisions/revision-run.ts';
import { SliceVariants } from '../../../src/stream/revisions/slice-variants.ts';
import { CountingGenerator } from '../../support/counting-generator.ts';
import { eventually } from '../../support/eventually.ts';

it('makes no tier twice, however often it is woken while one is on its way into the timeline', async () => {
  const generator = new CountingGenerator();
  const scheduler = new Scheduler({ clock: systemClock });
  const track = { prompts: ['a red ball'], from: undefined, keptSlices: 0, sliceCount: 8, transitionSlices: 1 };
  const run = new RevisionRun({
    generator,
    scheduler,
    variants: new SliceVariants({ info: generator.info, costs: scheduler.costs }),
    clock: systemClock,
    user: { id: 'viewer', weight: 1 },
    request: {
      revision: 0,
      track: { ...track, interpolation: 'linear' },
      seed: 1,
      guidance: undefined,
      sliceCount: 8,
      originMs: 0,
      previous: undefined,
      start: undefined,
      kept: undefined,
    },
    playheadFrame: () => 0,
    tierCap: () => 'refined',
    admitted: () => true,
    onRendition: () => {},
    onError: (error) => expect.unreachable(error.message),
  });
  const enough = new AbortController();
  const waker = (async () => {
    for (; !enough.signal.aborted; await nextTurn()) run.wake();
  })();
  await eventually(() => expect(run.complete).toBe(true));
  enough.abort();
  await waker;
  await run.close();
  expect(new Set(generator.made).size).toBe(8 * 3);
  expect(generator.made).toHaveLength(8 * 3);
});
