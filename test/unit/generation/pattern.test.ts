import { describe, expect, it } from 'vitest';
import type { Rendition, SliceJob } from '../../../src/generation/generator.ts';
import { PatternGenerator, readBarCode } from '../../../src/generation/pattern/pattern.ts';
import { i420Bytes } from '../../../src/picture/frame.ts';
import { collect } from '../../support/collect.ts';

const JOB: SliceJob = { revision: 1, slice: 0, prompt: 'test', seed: 1, startMs: 0, stopAtTier: 'refined' };
const live = { signal: new AbortController().signal };

async function render(job: Partial<SliceJob> = {}, detail?: number): Promise<Rendition[]> {
  const options = { widthPx: 320, heightPx: 180, fps: 30, ...(detail === undefined ? {} : { detail }) };
  return collect(new PatternGenerator(options).generate({ ...JOB, ...job }, live));
}

const luma = (rendition: Rendition | undefined): Uint8Array =>
  rendition?.frames[0]?.data.subarray(0, rendition.frames[0].widthPx * rendition.frames[0].heightPx) ??
  new Uint8Array();

const roughness = (plane: Uint8Array): number =>
  plane.reduce((sum, value, index) => sum + Math.abs(value - (plane[index - 1] ?? value)), 0) / plane.length;

describe('PatternGenerator', () => {
  it('yields the tiers in order, at the size it announced', async () => {
    const { info } = new PatternGenerator({ widthPx: 320, heightPx: 180, fps: 30 });
    const renditions = await render();
    expect(renditions.map(({ tier }) => tier)).toEqual(['draft', 'base', 'refined']);
    for (const [index, { frames }] of renditions.entries()) {
      const { widthPx = 0, heightPx = 0 } = info.tiers[index] ?? {};
      expect(frames).toHaveLength(8);
      for (const frame of frames) {
        expect(frame).toMatchObject({ widthPx, heightPx });
        expect(frame.data).toHaveLength(i420Bytes(widthPx, heightPx));
      }
    }
  });

  it('keeps to the tiers it is asked for', async () => {
    expect((await render({ startAtTier: 'base', stopAtTier: 'base' })).map(({ tier }) => tier)).toEqual(['base']);
    expect((await render({ stopAtTier: 'upscaled' })).at(-1)?.tier).toBe('refined');
  });

  it('counts frames across slices in the bar code of every tier', async () => {
    for (const { frames } of await render({ slice: 5 })) {
      const numbers = frames.map(({ data, widthPx, heightPx }) => readBarCode(data, widthPx, heightPx));
      expect(numbers).toEqual([40, 41, 42, 43, 44, 45, 46, 47]);
    }
  });

  it('wraps the bar code at 65536', async () => {
    const [rendition] = await render({ slice: 8192 });
    const frame = rendition?.frames[1];
    expect(readBarCode(frame?.data ?? new Uint8Array(), frame?.widthPx ?? 0, frame?.heightPx ?? 0)).toBe(1);
  });

  it('is the same for the same seed, and another texture for another', async () => {
    const [a, b, c] = await Promise.all([render(), render(), render({ seed: 2 })]);
    expect(a?.map(({ frames }) => frames)).toEqual(b?.map(({ frames }) => frames));
    expect(luma(a?.[1])).not.toEqual(luma(c?.[1]));
  });

  it('shows the revision as a colour and nothing else', async () => {
    const [a, b] = await Promise.all([render(), render({ revision: 2 })]);
    expect(luma(a?.[1])).toEqual(luma(b?.[1]));
    expect(a?.[1]?.frames).not.toEqual(b?.[1]?.frames);
  });

  it('gets rougher tier by tier, as much as detail says', async () => {
    const [, base, refined] = await render();
    const [, , plain] = await render({}, 0);
    const [, , full] = await render({}, 1);
    expect(roughness(luma(refined))).toBeGreaterThan(2 * roughness(luma(base)));
    expect(roughness(luma(full))).toBeGreaterThan(1.5 * roughness(luma(refined)));
    expect(luma(plain)).toEqual(luma(base));
    expect(luma(full).every((value) => value >= 16 && value <= 235)).toBe(true);
  });

  it('computes nothing that is not pulled, and stops when aborted', async () => {
    const controller = new AbortController();
    const generator = new PatternGenerator({ widthPx: 64, heightPx: 64, fps: 12 });
    const renditions = generator.generate(JOB, { signal: controller.signal });
    expect((await renditions.next()).value?.tier).toBe('draft');
    controller.abort();
    await expect(renditions.next()).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it.each([
    { widthPx: 63, heightPx: 64, fps: 12 },
    { widthPx: 64, heightPx: 0, fps: 12 },
    { widthPx: 64, heightPx: 64, fps: 0 },
    { widthPx: 64, heightPx: 64, fps: 12, detail: 2 },
  ])('refuses %o', (options) => {
    expect(() => new PatternGenerator(options)).toThrow(expect.objectContaining({ code: 'PARAMETER_INVALID' }));
  });
});
