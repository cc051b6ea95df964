import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../../bench/link/virtual-time.ts';
import type { Rendition, SliceJob } from '../../../src/generation/generator.ts';
import { MirrorGenerator } from '../../../src/generation/pattern/mirror.ts';
import type { LiveSource } from '../../../src/picture/live-source.ts';

const SIZE = { widthPx: 32, heightPx: 16 };
const JOB: SliceJob = { revision: 1, slice: 3, prompt: 'x', seed: 1, startMs: 0, stopAtTier: 'base' };
const signal = new AbortController().signal;

/** A camera with a picture every `everyMs`; each is full of its number. */
function camera(time: VirtualTime, everyMs: number): LiveSource {
  const startUs = time.nowUs();
  const newest = (): number => Math.floor((time.nowUs() - startUs) / 1_000 / everyMs) + 1;
  const picture = (number: number) => ({ frame: { ...SIZE, data: new Uint8Array(768).fill(number) }, number });
  return {
    newest: async () => picture(newest()),
    next: (_size, after, ended) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (ended.aborted) resolve(undefined);
          else if (newest() > after) resolve(picture(newest()));
          else time.after(1, look);
        };
        look();
      }),
  };
}

/** What a slice shows, with the time of each frame, ms. */
async function slice(mirror: MirrorGenerator, time: VirtualTime, live: LiveSource | undefined) {
  const renditions: { rendition: Rendition; atMs: number }[] = [];
  const startUs = time.nowUs();
  const done = (async () => {
    for await (const rendition of mirror.generate({ ...JOB, ...(live && { live }) }, { signal }))
      renditions.push({ rendition, atMs: (time.nowUs() - startUs) / 1_000 });
  })();
  const state = { over: false };
  void done.then(() => (state.over = true));
  while (!state.over) {
    time.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return renditions;
}

const mirrorAt = (time: VirtualTime) => new MirrorGenerator({ ...SIZE, fps: 30, clock: time });
const numbers = (shown: { rendition: Rendition }[]) => shown.map(({ rendition }) => rendition.frames[0]!.data[0]);

describe('MirrorGenerator', () => {
  it('shows each picture of the camera once, as soon as it comes, frame by frame', async () => {
    const time = new VirtualTime();
    const shown = await slice(mirrorAt(time), time, camera(time, 33));
    expect(numbers(shown)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(shown.map(({ rendition }) => rendition.firstFrame)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const [index, { atMs }] of shown.entries()) if (index > 0) expect(atMs - index * 33).toBeLessThan(4);
  });

  it('repeats the last picture of a slow camera, and leaves out those of a fast one', async () => {
    const slow = new VirtualTime();
    expect(new Set(numbers(await slice(mirrorAt(slow), slow, camera(slow, 60_000))))).toEqual(new Set([1]));
    const fast = new VirtualTime();
    const shown = numbers(await slice(mirrorAt(fast), fast, camera(fast, 5)));
    expect(new Set(shown).size).toBe(8);
    expect(shown.at(-1)).toBeGreaterThan(30);
  });

  it('is the test pattern while there is no camera', async () => {
    const time = new VirtualTime();
    const [only, ...rest] = await slice(mirrorAt(time), time, undefined);
    expect(rest).toEqual([]);
    expect(only!.rendition).toMatchObject({ tier: 'base', slice: 3 });
    expect(only!.rendition.frames).toHaveLength(8);
  });
});
