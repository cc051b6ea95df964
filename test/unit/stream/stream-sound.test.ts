/** Sound and pictures of one stream, in virtual time: what is heard when, and what happens at each kind of change. */
import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../../bench/link/virtual-time.ts';
import type { Rendition } from '../../../src/generation/generator.ts';
import { beepSound, flashFrames, isFlash } from '../../../src/generation/pattern/beep.ts';
import type { Sound } from '../../../src/picture/sound.ts';
import { SOUND_LEAD_MS, StreamSound, type SoundFrame } from '../../../src/stream/sound/stream-sound.ts';
import { Playout } from '../../../src/stream/timeline/playout.ts';
import { Timeline } from '../../../src/stream/timeline/timeline.ts';

const SLICE = { frames: 8, fps: 20 };
const PICTURE = { widthPx: 2, heightPx: 2, data: new Uint8Array(6) };
const FRAME_MS = 1_000 / SLICE.fps;

function setUp({ clipSlices }: { clipSlices?: number } = {}) {
  const clock = new VirtualTime();
  const timeline = new Timeline(SLICE.frames);
  const playout = new Playout({ fps: SLICE.fps, loopFrames: clipSlices && clipSlices * SLICE.frames });
  const info = {
    name: 'test',
    conditioning: '',
    slice: SLICE,
    tiers: [{ tier: 'base' as const, widthPx: 2, heightPx: 2 }],
    examples: [],
    progressive: false,
    sound: { channels: 1 as const },
  };
  const sound = new StreamSound({ clock, info, playout, timeline, clipSlices }, 1);
  const heard: SoundFrame[] = [];
  const errors: string[] = [];
  sound.events.on('error', ({ code }) => errors.push(code));
  const stop = sound.hear((frame) => heard.push(frame));
  const put = (
    slice: number,
    { revision = 0, audio = beepSound(slice, SLICE) }: { revision?: number; audio?: Sound } = {},
  ) => {
    const frames = Array.from({ length: SLICE.frames }, () => ({ ...PICTURE }));
    const rendition: Rendition = { revision, slice, tier: 'base', frames, computeMs: 0, audio };
    timeline.put(rendition);
    sound.put(rendition);
  };
  /** When each frame of the playout was first shown, ms, by its number. */
  const shownMs = new Map<string, number>();
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed++) {
      const shown = playout.at(clock.nowUs(), timeline)?.picture;
      const key = `${shown?.revision}:${shown?.frameIndex}`;
      if (shown && !shownMs.has(key)) shownMs.set(key, clock.nowUs() / 1_000);
      clock.advance(1);
    }
  };
  return { clock, timeline, playout, sound, heard, errors, stop, put, pass, shownMs };
}

/** Times at which a beep begins, ms. */
function beepsMs(heard: readonly SoundFrame[]): number[] {
  let quiet = Infinity;
  return heard.flatMap(({ samples, startUs }) => {
    const found: number[] = [];
    for (const [index, value] of samples.entries()) {
      if (Math.abs(value) > 0.1 && quiet > 2_000) found.push(startUs / 1_000 + index / 48);
      quiet = Math.abs(value) > 0.1 ? 0 : quiet + 1;
    }
    return found;
  });
}

const isSilence = ({ samples }: SoundFrame): boolean => samples.every((value) => value === 0);
function largestStep(heard: readonly SoundFrame[]): number {
  let [largest, last] = [0, 0];
  for (const { samples } of heard) {
    for (const value of samples) {
      largest = Math.max(largest, Math.abs(value - last));
      last = value;
    }
  }
  return largest;
}
/** The beep's own steepest step is 0.066. */
const STEP_MAX = 0.09;

describe('the sound of a stream', () => {
  it('is to be heard when its picture is shown, and ready before', () => {
    const { put, pass, heard, shownMs, clock } = setUp();
    for (let slice = 0; slice < 10; slice++) put(slice);
    pass(2_900);
    const flashes = [...shownMs].filter(([key]) => {
      const frame = Number(key.split(':')[1]);
      return isFlash(frame, SLICE.fps) && frame % flashFrames(SLICE.fps) === 0;
    });
    const beeps = beepsMs(heard);
    // The first beep begins before the sound does.
    expect(flashes).toHaveLength(3);
    expect(beeps).toHaveLength(3);
    for (const [index, [, flashMs]] of flashes.slice(1).entries())
      expect(Math.abs(beeps[index + 1]! - flashMs)).toBeLessThan(2);
    expect(heard.at(-1)!.startUs / 1_000).toBeGreaterThan(clock.nowUs() / 1_000 + SOUND_LEAD_MS - 21);
  });

  it('is one frame every 20 ms without a gap or a click, through a change of prompt', () => {
    const { put, pass, heard } = setUp();
    for (let slice = 0; slice < 6; slice++) put(slice);
    pass(1_130);
    for (let slice = 0; slice < 6; slice++) put(slice, { revision: 1 });
    pass(1_500);
    const starts = heard.map(({ startUs }) => startUs);
    expect(starts.slice(1).every((start, index) => Math.round(start - starts[index]!) === 20_000)).toBe(true);
    expect(heard.slice(5).filter(isSilence)).toEqual([]);
    expect(largestStep(heard)).toBeLessThan(STEP_MAX);
  });

  it('stands with the playhead and goes on with it', () => {
    const { put, pass, heard, playout, clock } = setUp();
    for (let slice = 0; slice < 10; slice++) put(slice);
    pass(500);
    playout.pause();
    pass(400);
    const paused = heard.length;
    expect(heard.slice(-10).every(isSilence)).toBe(true);
    playout.play(clock.nowUs());
    pass(400);
    expect(heard.slice(paused + 3).filter(isSilence)).toEqual([]);
    expect(largestStep(heard)).toBeLessThan(STEP_MAX);
  });

  it('waits for late pictures and then goes on where it was', () => {
    const { put, pass, heard, playout } = setUp();
    put(0);
    pass(800);
    expect(heard.slice(-5).every(isSilence)).toBe(true);
    const late = heard.length;
    for (let slice = 1; slice < 8; slice++) put(slice);
    pass(1_500);
    expect(playout.lateFrames).toBeGreaterThan(0);
    expect(heard.slice(late + 5).filter(isSilence)).toEqual([]);
    expect(largestStep(heard)).toBeLessThan(STEP_MAX);
  });

  it('loops with a clip', () => {
    const { put, pass, heard } = setUp({ clipSlices: 5 });
    for (let slice = 0; slice < 5; slice++) put(slice);
    pass(7_000);
    expect(heard.slice(5).filter(isSilence)).toEqual([]);
    expect(largestStep(heard)).toBeLessThan(STEP_MAX);
    expect(beepsMs(heard)).toHaveLength(8);
  });

  it('jumps with a seek', () => {
    const { put, pass, heard, playout, clock } = setUp({ clipSlices: 10 });
    for (let slice = 0; slice < 10; slice++) put(slice);
    pass(300);
    playout.seek(3_500, clock.nowUs());
    pass(300);
    expect(heard.slice(5).filter(isSilence)).toEqual([]);
    expect(largestStep(heard)).toBeLessThan(STEP_MAX);
  });

  it('is silence where the generator gave none, and the pictures go on', () => {
    const { put, pass, heard, errors, shownMs } = setUp();
    const bad: Sound = { channels: 1, samples: new Float32Array(7) };
    for (let slice = 0; slice < 4; slice++) put(slice, { audio: bad });
    pass(1_000);
    expect(errors).toEqual(['SOUND_INVALID']);
    expect(heard.every(isSilence)).toBe(true);
    expect(shownMs.size).toBe(Math.floor(1_000 / FRAME_MS));
  });

  it('mixes other sound in', () => {
    const { sound, pass, heard } = setUp();
    const end = sound.mix({ next: () => new Float32Array(960).fill(0.25) });
    pass(100);
    expect(heard.at(-1)!.samples.every((value) => value === 0.25)).toBe(true);
    end();
    pass(100);
    expect(isSilence(heard.at(-1)!)).toBe(true);
  });

  it('costs nothing while nobody listens', async () => {
    const { clock, stop, heard, pass, sound } = setUp();
    pass(100);
    stop();
    const before = heard.length;
    pass(100);
    expect(heard).toHaveLength(before);
    expect(clock.timers).toBe(0);
    sound.hear(() => {});
    await sound.close();
    expect(clock.timers).toBe(0);
  });

  it('forgets what has been heard of a live stream', () => {
    const { put, pass, timeline, playout } = setUp();
    for (let slice = 0; slice < 40; slice++) {
      put(slice);
      put(slice + 1);
      pass(400);
      timeline.dropBefore(Math.floor(playout.frameIndex / SLICE.frames) - 1);
    }
    expect(timeline.sliceCount).toBeLessThan(6);
  });
});
