import { describe, expect, it } from 'vitest';
import { MovingTexture } from '../../../bench/moving-texture.ts';
import { compare } from '../../../bench/compare.ts';
import { Adherence } from '../../../bench/quality/adherence.ts';
import { qualityGoals } from '../../../bench/quality/goals.ts';
import type { PackQuality } from '../../../bench/quality/measure.ts';
import { changeBetween, lumaPsnrDb, SeamMeter, shiftPx } from '../../../bench/quality/pictures.ts';
import { heldOutPrompts } from '../../../bench/quality/prompts.ts';
import { splitWords } from '../../../src/generation/onnx/model/tokenizer.ts';
import { defaultModelDirectory, readManifest } from '../../../src/generation/onnx/pack/model-pack.ts';
import { type I420Frame, i420Bytes } from '../../../src/picture/frame.ts';
import { scaleI420 } from '../../../src/media/encode/scale.ts';

const SIZE = { widthPx: 64, heightPx: 64 };
const texture = new MovingTexture({ widthPx: 80, heightPx: 80, seed: 5 }).frame(0);
const flat = (luma: number): I420Frame => ({ ...SIZE, data: new Uint8Array(i420Bytes(64, 64)).fill(luma) });

/** A window of the texture, `dx` px further right. */
function cut(dx: number, dy = 0): I420Frame {
  const frame = flat(128);
  for (let y = 0; y < 64; y++)
    for (let x = 0; x < 64; x++) frame.data[y * 64 + x] = texture.data[(y + 8 + dy) * 80 + x + 8 + dx] ?? 0;
  return frame;
}

describe('held-out prompts', () => {
  it('are the same for everyone, and a longer list begins with the shorter', async () => {
    const { condition } = await readManifest(defaultModelDirectory());
    const some = heldOutPrompts(condition.fields, 64);
    expect(heldOutPrompts(condition.fields, 256).slice(0, 64)).toEqual(some);
    expect(new Set(some.map(({ text }) => text)).size).toBe(64);
    expect(new Set(some.map(({ seed }) => seed)).size).toBe(64);
  });

  it('ask for what can be, in words that the model was taught', async () => {
    const { condition, vocabulary } = await readManifest(defaultModelDirectory());
    const known = new Set(vocabulary);
    for (const { text, fields } of heldOutPrompts(condition.fields, 256)) {
      expect(splitWords(text).filter((word) => !known.has(word) && word !== 'an')).toEqual([]);
      for (const { name, values } of condition.fields) if (fields[name]) expect(values).toContain(fields[name]);
      if (fields['object'] === 'none') expect(fields['motion']).toBeUndefined();
      if (fields['weather'] === 'stars') expect(['night', 'dawn']).toContain(fields['time']);
    }
  });

  it('calls what it has no words for by its name', () => {
    const [prompt] = heldOutPrompts([{ name: 'scene', values: ['moonbase'] }], 1);
    expect(prompt).toMatchObject({ text: expect.stringContaining('moonbase'), fields: { scene: 'moonbase' } });
  });
});

describe('adherence', () => {
  it('is the share of prompts that show what they ask for, over those that ask', () => {
    const adherence = new Adherence();
    adherence.add({ scene: 'sea', color: 'red' }, { scene: 'sea', color: 'blue' });
    adherence.add({ scene: 'city' }, { scene: 'city', color: 'red' });
    expect(adherence.percent).toEqual({ scene: 100, color: 0 });
    expect(adherence.meanPercent).toBe(50);
  });

  it('takes stars for a clear sky: base frames do not show them', () => {
    const adherence = new Adherence();
    adherence.add({ weather: 'stars' }, { weather: 'clear' });
    adherence.add({ weather: 'rain' }, { weather: 'clear' });
    expect(adherence.percent).toEqual({ weather: 50 });
  });
});

describe('measures of pictures', () => {
  it('PSNR is endless for the same, and falls with the error', () => {
    expect(lumaPsnrDb([flat(100)], [flat(100)])).toBe(Infinity);
    expect(lumaPsnrDb([flat(110)], [flat(100)])).toBeCloseTo(20 * Math.log10(25.5), 5);
    expect(lumaPsnrDb([flat(104)], [flat(100)])).toBeGreaterThan(lumaPsnrDb([flat(110)], [flat(100)]));
  });

  it('a shift is found to a part of a pixel, and none where there is none', () => {
    expect(shiftPx(cut(0), cut(0))).toBeCloseTo(0, 1);
    expect(shiftPx(cut(0), cut(2))).toBeCloseTo(2, 0);
    expect(shiftPx(cut(0), cut(-1, 2))).toBeCloseTo(Math.hypot(1, 2), 0);
    expect(shiftPx(cut(0), scaleI420(cut(0), 128, 128))).toBeLessThan(0.3);
    expect(shiftPx(flat(20), flat(20))).toBe(0);
  });

  it('a seam is the change across over the change inside', () => {
    const seams = new SeamMeter();
    const slice = (start: number, step: number): I420Frame[] => [0, 1, 2].map((index) => flat(start + index * step));
    seams.add(slice(0, 2), true);
    seams.add(slice(10, 2), false);
    expect(seams.ratio).toBe(3);
    seams.add(slice(200, 2), true);
    expect(seams.ratio).toBe(3);
    expect(changeBetween(flat(7), flat(9))).toBe(2);
  });
});

describe('compare', () => {
  it('shows what moved between two reports, figure by figure', () => {
    const report = (shown: number, psnrDb: number) => ({
      suite: 'quality',
      packs: [
        {
          name: 'glimpse-s',
          adherence: [{ name: 'slice 1', slice: 1, percent: { object: shown } }],
          tiers: [
            { name: 'draft', psnrDb: 20 },
            { name: 'base', psnrDb },
          ],
        },
      ],
    });
    expect(compare(report(60, 28), report(90, 30)).map(({ path, before, after }) => [path, before, after])).toEqual([
      ['packs glimpse-s adherence slice 1 percent object', 60, 90],
      ['packs glimpse-s tiers base psnrDb', 28, 30],
    ]);
  });
});

describe('goals', () => {
  const QUALITY: PackQuality = {
    name: 'p',
    prompts: 2,
    understood: {},
    adherence: [{ name: 'slice 1', slice: 1, prompts: 2, percent: { scene: 98, object: 60 }, meanPercent: 79 }],
    driftPoints: 1,
    tiers: [
      { name: 'draft', psnrDb: 20, meanPercent: 70 },
      { name: 'base', psnrDb: 25, meanPercent: 80 },
      { name: 'refined', psnrDb: null, meanPercent: 80 },
    ],
    shiftPx: { count: 2, p50: 0.1, p95: 0.4, max: 0.5 },
    seams: [{ name: 'base', ratio: 1.5 }],
  };
  const missed = (change: Partial<PackQuality> = {}): string[] =>
    qualityGoals({ ...QUALITY, ...change })
      .filter(({ met }) => !met)
      .map(({ name }) => name);

  it('are met or missed by what was measured', () => {
    expect(missed()).toEqual(['p object, slice 1', 'p seam at base']);
    expect(missed({ tiers: QUALITY.tiers.toReversed() })).toContain('p PSNR against the best tier');
    expect(missed({ driftPoints: 4 })).toContain('p ten slices');
    expect(missed({ adherence: undefined })).toEqual(['p seam at base']);
  });
});
