/** The embedded model follows a camera: what it shows keeps the camera's colours, the more the lower the strength. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OnnxGenerator } from '../../src/generation/onnx/model/onnx-generator.ts';
import { PictureEncoder } from '../../src/generation/onnx/model/picture-encoder.ts';
import { defaultModelDirectory, loadModelPack } from '../../src/generation/onnx/pack/model-pack.ts';
import type { SliceJob } from '../../src/generation/generator.ts';
import type { I420Frame } from '../../src/picture/frame.ts';
import type { LiveSource } from '../../src/picture/live-source.ts';

const signal = new AbortController().signal;
const JOB: SliceJob = { revision: 0, slice: 0, prompt: 'a meadow by day', seed: 3, startMs: 0, stopAtTier: 'base' };
let generator: OnnxGenerator;

beforeAll(async () => {
  generator = await OnnxGenerator.create({ modelDirectory: defaultModelDirectory(), threads: 1 });
});
afterAll(() => generator.close());

/** Dark on the left, bright on the right. */
function camera(): LiveSource {
  const newest: LiveSource['newest'] = async ({ widthPx, heightPx }) => {
    const data = new Uint8Array((widthPx * heightPx * 3) / 2).fill(128);
    for (let at = 0; at < widthPx * heightPx; at++) data[at] = at % widthPx < widthPx / 2 ? 30 : 220;
    return { frame: { widthPx, heightPx, data }, number: 1 };
  };
  return { newest, next: newest };
}

async function lastFrame(job: SliceJob): Promise<I420Frame> {
  let frame: I420Frame | undefined;
  for await (const { frames } of generator.generate(job, { signal })) frame = frames.at(-1);
  return frame!;
}

/** Mean luma of the right half less that of the left half. */
function slope({ data, widthPx, heightPx }: I420Frame): number {
  let sum = 0;
  for (let at = 0; at < widthPx * heightPx; at++) sum += (at % widthPx < widthPx / 2 ? -1 : 1) * data[at]!;
  return sum / ((widthPx * heightPx) / 2);
}

describe('the embedded model', () => {
  it('says that it follows a camera', () => {
    expect(generator.info.live).toBe(true);
  });

  it('keeps what the camera shows, the more the lower the strength', async () => {
    const of = async (liveStrength: number) => slope(await lastFrame({ ...JOB, live: camera(), liveStrength }));
    const [kept, bent, free] = [await of(0), await of(0.6), await of(1)];
    expect(kept).toBeGreaterThan(150);
    expect(bent).toBeGreaterThan(free + 30);
    expect(bent).toBeLessThan(kept);
  });

  it('makes a picture of its own where there is no camera', async () => {
    const live: LiveSource = { newest: async () => undefined, next: async () => undefined };
    expect((await lastFrame({ ...JOB, live })).data).toEqual((await lastFrame(JOB)).data);
  });

  it('inverts its own decoder', async () => {
    const { manifest, files } = await loadModelPack(defaultModelDirectory());
    expect(await PictureEncoder.open(manifest, files.decoder)).toBeDefined();
    expect(
      await PictureEncoder.open({ ...manifest, latent: { tokens: 16, channels: 384 } }, files.decoder),
    ).toBeUndefined();
  });
});
