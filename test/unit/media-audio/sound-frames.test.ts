import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_SAMPLES, SoundFrames, type SoundPosition } from '../../../src/media/audio/sound-frames.ts';
import { SoundStore } from '../../../src/media/audio/sound-store.ts';
import { SOUND_RATE_HZ, sliceSamples, type Sound } from '../../../src/picture/sound.ts';

const SHAPE = { frames: 8, fps: 24 };
const STEP = 0.25;

/** A sine of which each sample is `STEP` at most from the next. */
function sine(
  from: number,
  to: number,
  {
    hz = 440,
    volume = 0.5,
    channels = 1,
    phase = 0,
  }: Partial<Record<'hz' | 'volume' | 'phase', number>> & { channels?: 1 | 2 } = {},
): Sound {
  const samples = new Float32Array((to - from) * channels);
  for (let index = 0; index < to - from; index++)
    for (let channel = 0; channel < channels; channel++)
      samples[index * channels + channel] =
        volume * Math.sin((2 * Math.PI * hz * (from + index)) / SOUND_RATE_HZ + phase + channel);
  return { channels, samples };
}

function storeOf(
  slices: number,
  {
    channels = 1,
    fps = SHAPE.fps,
    revision = 0,
    hz = 440,
  }: Partial<Record<'fps' | 'revision' | 'hz', number>> & { channels?: 1 | 2 } = {},
): SoundStore {
  const store = new SoundStore({ ...SHAPE, fps, channels });
  for (let slice = 0; slice < slices; slice++) put(store, { revision, slice, hz, fps });
  return store;
}

function put(
  store: SoundStore,
  { revision = 0, slice = 0, rank = 0, hz = 440, phase = 0, fps = SHAPE.fps }: Record<string, number>,
): void {
  const { from, to } = sliceSamples(slice, { ...SHAPE, fps });
  store.put({ revision, slice, rank }, sine(from, to, { hz, phase, channels: store.channels }));
}

const joined = (frames: readonly Float32Array[]): Float32Array => {
  const all = new Float32Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all;
};

function largestStep(samples: Float32Array, channels = 1): number {
  let largest = 0;
  for (let index = channels; index < samples.length; index++)
    largest = Math.max(largest, Math.abs(samples[index]! - samples[index - channels]!));
  return largest;
}

/** Frames one after another as the time goes on. */
function play(frames: SoundFrames, count: number, at: (index: number) => SoundPosition | undefined): Float32Array {
  return joined(Array.from({ length: count }, (_, index) => frames.next(at(index))));
}

const onward =
  (revision = 0, sample = 0) =>
  (index: number): SoundPosition => ({ revision, sample: sample + index * FRAME_SAMPLES });

describe('sound frames', () => {
  it.each([24, 25, 12, 30, 29.97, 7.3])('are the stored samples, exactly, at %d frames a second', (fps) => {
    const store = storeOf(4, { fps });
    const heard = play(new SoundFrames({ store }), 20, onward());
    const told = sine(0, heard.length).samples;
    // The first frame fades in from silence.
    expect(heard.subarray(FRAME_SAMPLES)).toEqual(told.subarray(FRAME_SAMPLES));
  });

  it('follow a clock that jitters by under 5 ms without a change', () => {
    const store = storeOf(4);
    const jitter = (index: number): SoundPosition => ({
      revision: 0,
      sample: index * FRAME_SAMPLES + (index % 3) * 79.4,
    });
    const heard = play(new SoundFrames({ store }), 20, jitter);
    expect(heard.subarray(FRAME_SAMPLES)).toEqual(sine(0, heard.length).samples.subarray(FRAME_SAMPLES));
  });

  it('keep a sound as it is when a better tier brings the same', () => {
    const store = storeOf(4);
    const frames = new SoundFrames({ store });
    const before = play(frames, 5, onward());
    put(store, { slice: 0, rank: 1 });
    const heard = joined([before, play(frames, 5, onward(0, 5 * FRAME_SAMPLES))]);
    const told = sine(0, heard.length).samples;
    for (let index = FRAME_SAMPLES; index < heard.length; index++) expect(heard[index]).toBeCloseTo(told[index]!, 5);
  });

  it('fade out before sound that is not there yet, and in when it comes', () => {
    const store = storeOf(1);
    const frames = new SoundFrames({ store });
    const length = sliceSamples(0, SHAPE).to;
    const count = Math.ceil(length / FRAME_SAMPLES) + 2;
    const first = play(frames, count, onward());
    expect(first.subarray(length).every((value) => value === 0)).toBe(true);
    put(store, { slice: 1 });
    const heard = joined([first, play(frames, 5, onward(0, count * FRAME_SAMPLES))]);
    expect(largestStep(heard)).toBeLessThan(0.05);
    expect(heard.subarray(-FRAME_SAMPLES).some((value) => Math.abs(value) > 0.4)).toBe(true);
  });

  it('loop a clip without a gap', () => {
    const store = storeOf(2, { hz: 441.7 });
    const loopSamples = sliceSamples(1, SHAPE).to;
    const at = (index: number): SoundPosition => ({ revision: 0, sample: (index * FRAME_SAMPLES) % loopSamples });
    const heard = play(new SoundFrames({ store, loopSamples }), 100, at);
    expect(largestStep(heard)).toBeLessThan(0.06);
    const quiet = Array.from({ length: 99 }, (_, frame) =>
      Math.max(...heard.subarray((frame + 1) * FRAME_SAMPLES, (frame + 2) * FRAME_SAMPLES)),
    );
    expect(Math.min(...quiet)).toBeGreaterThan(0.3);
  });

  it('mend slices that do not fit each other', () => {
    const store = storeOf(1);
    put(store, { slice: 1, phase: 2 });
    const heard = play(new SoundFrames({ store }), 30, onward());
    expect(largestStep(heard)).toBeLessThan(0.06);
  });

  it('are silent, all zeros, while paused', () => {
    const frames = new SoundFrames({ store: storeOf(4) });
    play(frames, 5, onward());
    frames.next(undefined);
    expect(frames.next(undefined).every((value) => value === 0)).toBe(true);
  });

  it('never click, whatever happens', () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('play' as const), frames: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ kind: fc.constant('pause' as const), frames: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant('seek' as const), sample: fc.integer({ min: 0, max: 90_000 }) }),
      fc.record({ kind: fc.constant('prompt' as const), hz: fc.integer({ min: 100, max: 900 }) }),
      fc.record({
        kind: fc.constant('tier' as const),
        slice: fc.integer({ min: 0, max: 6 }),
        hz: fc.integer({ min: 100, max: 900 }),
      }),
      fc.record({ kind: fc.constant('late' as const), slice: fc.integer({ min: 0, max: 6 }) }),
    );
    const channels = fc.constantFrom(1 as const, 2 as const);
    fc.assert(
      fc.property(fc.array(event, { maxLength: 24 }), channels, fc.boolean(), (events, channelCount, loops) => {
        const store = new SoundStore({ ...SHAPE, channels: channelCount });
        const loopSamples = loops ? sliceSamples(5, SHAPE).to : undefined;
        const frames = new SoundFrames({ store, loopSamples });
        let [revision, sample, rank] = [0, 0, 0];
        for (let slice = 0; slice < 6; slice += 2) put(store, { revision, slice });
        const heard: Float32Array[] = [];
        for (const step of events) {
          if (step.kind === 'pause') heard.push(...Array.from({ length: step.frames }, () => frames.next(undefined)));
          if (step.kind === 'seek') ({ sample } = step);
          if (step.kind === 'late') put(store, { revision, slice: step.slice, phase: 1 });
          if (step.kind === 'tier') put(store, { revision, slice: step.slice, rank: ++rank, hz: step.hz });
          if (step.kind === 'prompt') {
            revision += 1;
            sample = 0;
            for (let slice = 0; slice < 4; slice++) put(store, { revision, slice, hz: step.hz });
          }
          if (step.kind !== 'play') continue;
          for (let index = 0; index < step.frames; index++, sample += FRAME_SAMPLES)
            heard.push(frames.next({ revision, sample: loopSamples === undefined ? sample : sample % loopSamples }));
        }
        const all = joined(heard);
        expect(heard.every(({ length }) => length === FRAME_SAMPLES * channelCount)).toBe(true);
        // The steepest of two such sines and their fades; a click would be up to 1.
        expect(largestStep(all, channelCount)).toBeLessThan(STEP / 2);
      }),
      { numRuns: 300 },
    );
  });

  it('forget slices behind the playhead, and revisions before the last', () => {
    const store = storeOf(4);
    store.dropBefore(0, 2);
    expect(store.sliceCount).toBe(2);
    for (let revision = 1; revision < 9; revision++) put(store, { revision });
    expect(store.sliceCount).toBe(2);
  });
});
