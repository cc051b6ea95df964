import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { Scheduler } from '../../../src/generation/engine/scheduler.ts';
import type { RunFacts } from '../../../src/stream/revisions/making.ts';
import { RevisionRun } from '../../../src/stream/revisions/revision-run.ts';
import { SliceVariants } from '../../../src/stream/revisions/slice-variants.ts';
import { CountingGenerator } from '../../support/counting-generator.ts';
import { eventually } from '../../support/eventually.ts';

it('makes no tier twice, however often it is woken while one is on its way into the timeline', async () => {
  const generator = new CountingGenerator();
  const scheduler = new Scheduler({ clock: systemClock });
  const track = { prompts: ['a red ball'], from: undefined, keptSlices: 0, sliceCount: 8, transitionSlices: 1 };
  const facts: RunFacts = {
    admitted: true,
    tierCap: 'refined',
    gradeCap: 'upscaled',
    playheadFrame: 0,
    stands: false,
  };
  const run = new RevisionRun(
    {
      making: { generator, scheduler, clock: systemClock },
      work: { sliceCount: 8, user: { id: 'viewer', weight: 1 }, inputs: {} },
      variants: new SliceVariants({ info: generator.info, costs: scheduler.costs }),
      request: {
        revision: 0,
        track: { ...track, interpolation: 'linear' },
        seed: 1,
        guidance: undefined,
        originMs: 0,
        previous: undefined,
        start: undefined,
        kept: undefined,
      },
      onRendition: () => {},
      onError: (error) => expect.unreachable(error.message),
    },
    facts,
  );
  const enough = new AbortController();
  const waker = (async () => {
    // Every change of the facts wakes it.
    for (let turn = 0; !enough.signal.aborted; await nextTurn()) run.update({ ...facts, stands: turn++ % 2 === 0 });
  })();
  await eventually(() => expect(run.complete).toBe(true));
  enough.abort();
  await waker;
  await run.close();
  expect(new Set(generator.made).size).toBe(8 * 3);
  expect(generator.made).toHaveLength(8 * 3);
});
