/** What lies around the samplers: colours, previews, the noise's walk, guidance. */
import { describe, expect, it } from 'vitest';
import { guidanceEmbedding, guided } from '../../../../src/generation/onnx/diffusers/sampling/guidance.ts';
import { frameFromPlanes } from '../../../../src/generation/onnx/diffusers/image-frame.ts';
import { previewFrame } from '../../../../src/generation/onnx/diffusers/latent-preview.ts';
import { stepNoise, walkNoise, WALK_STEP_MS } from '../../../../src/generation/onnx/diffusers/sampling/noise-walk.ts';
import type { I420Frame } from '../../../../src/picture/frame.ts';

/** Luma, U and V of the first pixel. */
const first = ({ data, widthPx, heightPx }: I420Frame): number[] => {
  const pixels = widthPx * heightPx;
  return [data[0]!, data[pixels]!, data[pixels * 1.25]!];
};
const flat = (red: number, green: number, blue: number): Float32Array =>
  Float32Array.from({ length: 3 * 16 }, (_, at) => [red, green, blue][Math.floor(at / 16)]!);

describe('a picture as a frame', () => {
  // ITU-R BT.601, limited range.
  it.each([
    ['black', [-1, -1, -1], [16, 128, 128]],
    ['white', [1, 1, 1], [235, 128, 128]],
    ['red', [1, -1, -1], [81, 90, 240]],
    ['green', [-1, 1, -1], [145, 54, 34]],
    ['blue', [-1, -1, 1], [41, 240, 110]],
  ])('%s has the levels of BT.601', (_name, [red = 0, green = 0, blue = 0], levels) => {
    expect(first(frameFromPlanes(flat(red, green, blue), 4, 4))).toEqual(levels);
  });

  it('clips what is beyond, and shows black where a decoder gave no number', () => {
    expect(first(frameFromPlanes(flat(7, 7, 7), 4, 4))).toEqual([235, 128, 128]);
    expect(first(frameFromPlanes(flat(NaN, -9, NaN), 4, 4))).toEqual([16, 128, 128]);
  });

  it('takes the mean of four pixels for their chroma', () => {
    const planes = flat(-1, -1, -1);
    for (const at of [0, 1, 4, 5]) planes[at] = at < 2 ? 1 : -1;
    const frame = frameFromPlanes(planes, 4, 4);
    expect(frame.data[16 + 4]).toBe(184);
    expect([...frame.data.subarray(0, 5)]).toEqual([81, 81, 16, 16, 16]);
  });
});

describe('a preview of latents', () => {
  it('is brighter and darker where the latents say so', () => {
    const latents = Float32Array.from({ length: 64 }, (_, at) => (at < 16 ? (at % 4 < 2 ? 2 : -2) : 0));
    const { widthPx, heightPx, data } = previewFrame(latents, 4, 4);
    expect([widthPx, heightPx]).toEqual([4, 4]);
    expect(data[0]).toBeGreaterThan(data[2]! + 50);
  });
});

describe("the noise's walk", () => {
  it('gives the same noise for the same instant, and another for another seed', () => {
    expect(walkNoise(5, 800, 256)).toEqual(walkNoise(5, 800, 256));
    expect(walkNoise(5, 800, 256)).not.toEqual(walkNoise(6, 800, 256));
    expect(stepNoise(5, 1, 16)).not.toEqual(stepNoise(5, 2, 16));
  });

  const likeness = (a: Float32Array, b: Float32Array): number => {
    const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, at) => sum + value * y[at]!, 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };

  it('keeps its deviation of 1 everywhere, and neighbouring slices alike', () => {
    for (let atMs = 0; atMs < 2 * WALK_STEP_MS; atMs += 800) {
      const noise = walkNoise(9, atMs, 8192);
      const deviation = Math.sqrt(noise.reduce((sum, value) => sum + value ** 2, 0) / noise.length);
      expect(deviation).toBeGreaterThan(0.95);
      expect(deviation).toBeLessThan(1.05);
      expect(likeness(noise, walkNoise(9, atMs + 800, 8192))).toBeGreaterThan(0.97);
    }
    expect(Math.abs(likeness(walkNoise(9, 0, 8192), walkNoise(9, WALK_STEP_MS, 8192)))).toBeLessThan(0.1);
  });
});

describe('guidance', () => {
  it('of 1 is the prompt alone, of 0 none of it, above 1 more than it', () => {
    const [without, withIt] = [Float32Array.of(1, 2), Float32Array.of(2, 0)];
    expect(guided(without, withIt, 1)).toEqual(withIt);
    expect(guided(without, withIt, 0)).toEqual(without);
    expect(guided(without, withIt, 2)).toEqual(Float32Array.of(3, -2));
  });

  it('as an embedding is sines, then cosines, of 1000 (w - 1) at falling frequencies', () => {
    const none = guidanceEmbedding(1, 8);
    expect([...none]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    const embedding = guidanceEmbedding(8, 256);
    expect(embedding[0]).toBeCloseTo(Math.sin(7000), 5);
    expect(embedding[128]).toBeCloseTo(Math.cos(7000), 5);
    // The last frequency is 1 / 10000.
    expect(embedding[127]).toBeCloseTo(Math.sin(0.7), 5);
    expect(embedding[255]).toBeCloseTo(Math.cos(0.7), 5);
  });
});
