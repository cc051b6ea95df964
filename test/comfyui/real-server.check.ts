/**
 * Against a real ComfyUI, to show that the stand-in tells the truth: with nodes that need no weights, so a CPU will do.
 * `GLIMPSE_COMFYUI_URL=http://127.0.0.1:8188 npm run test:comfyui`
 */
import { describe, expect, it } from 'vitest';
import { ComfyUiGenerator } from '../../src/generation/comfyui/comfyui-generator.ts';
import { imageFormat } from '../../src/generation/comfyui/server/binary-event.ts';
import { ComfyClient } from '../../src/generation/comfyui/server/client.ts';
import type { Graph } from '../../src/generation/comfyui/workflows/graph.ts';
import { familiesOf, ltxWorkflow, WORKFLOW_NAMES } from '../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import { problemsAt } from '../../src/generation/comfyui/workflows/ltx/fit.ts';
import { readParameters } from '../../src/generation/comfyui/workflows/settings.ts';
import { mappedWorkflow } from '../../src/generation/comfyui/workflows/mapped-workflow.ts';
import { ComfyPool } from '../../src/generation/comfyui/server/pool.ts';
import type { NodeImage } from '../../src/generation/comfyui/server/prompt-run.ts';
import { ImageDecoder } from '../../src/media/decode/image-decoder.ts';
import { OBJECT_INFO } from '../../bench/support/comfyui/comfyui-object-info.ts';
import { encodePng } from '../../bench/support/pictures/png.ts';
import { wholeRenditions } from '../support/whole-renditions.ts';

const url = process.env['GLIMPSE_COMFYUI_URL'] ?? 'http://127.0.0.1:8188';
const FRAMES = 9;
const SIZE = { widthPx: 160, heightPx: 96 };
const never = new AbortController().signal;

const scaled = (source: string, id = 'tap'): Graph => ({
  size: {
    class_type: 'ImageScale',
    inputs: { image: [source, 0], upscale_method: 'bilinear', width: 160, height: 96, crop: 'disabled' },
  },
  [id]: { class_type: 'SaveImageWebsocket', inputs: { images: ['size', 0] } },
});

/** `color`: RGB in one number; a new one keeps the server from answering out of its cache. */
const blank = (color: number, frames = FRAMES): Graph => ({
  blank: { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: frames, color } },
  ...scaled('blank'),
});

async function imagesOf(client: ComfyClient, graph: Graph): Promise<NodeImage[]> {
  const images: NodeImage[] = [];
  await client.run(graph, { signal: never, onImage: (image) => void images.push(image) });
  return images;
}

describe(`ComfyUI at ${url}`, () => {
  it('sends every frame of a tap as PNG under its node, with progress', async () => {
    await using client = new ComfyClient({ url });
    const steps: number[] = [];
    const images: NodeImage[] = [];
    await client.run(blank(0x10_20_30), {
      signal: never,
      onImage: (image) => void images.push(image),
      onProgress: ({ nodeId, value }) => nodeId === 'tap' && steps.push(value),
    });
    expect(images.map(({ nodeId, image }) => [nodeId, imageFormat(image)])).toEqual(
      Array.from({ length: FRAMES }, () => ['tap', 'png']),
    );
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(client.malformedMessages).toBe(0);
    await using decoder = new ImageDecoder();
    const frame = await decoder.decode(images[0]?.image ?? new Uint8Array(), { format: 'png', ...SIZE });
    expect(frame.data).toHaveLength(SIZE.widthPx * SIZE.heightPx * 1.5);
  });

  it('sends a tap again when everything before it is in the cache', async () => {
    await using client = new ComfyClient({ url });
    for (let run = 0; run < 2; run++) expect(await imagesOf(client, blank(0x11_22_33))).toHaveLength(FRAMES);
  });

  it('takes a picture from an upload, out of the folder that is emptied at the start', async () => {
    await using client = new ComfyClient({ url });
    const data = encodePng(160, 96, (x) => [x, 40, 80]);
    const image = await client.upload({ name: 'glimpse-check.png', data, mediaType: 'image/png', folder: 'temp' });
    const graph = { source: { class_type: 'LoadImage', inputs: { image } }, ...scaled('source') };
    const [sent] = await imagesOf(client, graph);
    await using decoder = new ImageDecoder();
    const options = { format: 'png', ...SIZE } as const;
    const [ours, theirs] = await Promise.all([data, sent?.image ?? data].map((png) => decoder.decode(png, options)));
    // The server cuts fractions off where it turns its numbers back into bytes.
    const differences = ours?.data.map((value, index) => Math.abs(value - (theirs?.data[index] ?? 0)));
    expect(Math.max(...(differences ?? [255]))).toBeLessThanOrEqual(2);
  });

  it('names what is wrong with a graph', async () => {
    await using client = new ComfyClient({ url });
    const unknown = { ...blank(1), size: { class_type: 'NoSuchNode', inputs: {} } };
    await expect(client.run(unknown, { signal: never })).rejects.toMatchObject({
      code: 'WORKFLOW_INVALID',
      message: expect.stringContaining('NoSuchNode') as string,
    });
    const [size] = Object.values(scaled('blank'));
    const wrong = { ...blank(2), size: { class_type: 'ImageScale', inputs: { ...size?.inputs, crop: 'sideways' } } };
    await expect(client.run(wrong, { signal: never })).rejects.toMatchObject({
      code: 'WORKFLOW_INVALID',
      message: expect.stringContaining('ImageScale input crop') as string,
    });
  });

  it('ends an aborted prompt, and none but that', async () => {
    await using client = new ComfyClient({ url });
    const abort = new AbortController();
    const long = client.run(blank(3, 400), { signal: abort.signal, onImage: () => abort.abort() });
    const after = imagesOf(client, blank(4));
    await expect(long).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await after).toHaveLength(FRAMES);
  });

  it('makes a rendition through the generator', async () => {
    const mapping = {
      name: 'blank',
      graph: { ...blank(5), words: { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['none', 0] as const } } },
      inputs: { prompt: ['words', 'text'] as [string, string], seed: ['blank', 'color'] as [string, string] },
      tiers: { base: { tap: 'tap', ...SIZE } },
      frames: FRAMES,
      fps: 12,
    };
    await using generator = new ComfyUiGenerator({
      pool: new ComfyPool({ clients: [new ComfyClient({ url })] }),
      workflow: mappedWorkflow(mapping),
    });
    const job = {
      revision: 0,
      slice: 0,
      prompt: 'unused',
      seed: 6,
      startMs: 0,
      startAtTier: 'base',
      stopAtTier: 'base',
    } as const;
    const renditions = await wholeRenditions(generator.generate(job, { signal: never }), FRAMES);
    expect(renditions).toMatchObject([{ tier: 'base', frames: { length: FRAMES } }]);
  });

  it('has nodes that take what the recorded ones take', async () => {
    await using client = new ComfyClient({ url });
    const info = await client.objectInfo();
    const there = Object.keys(OBJECT_INFO).filter((name) => name in info);
    expect(there).toContain('SaveImageWebsocket');
    const required = (name: string, from: typeof info): string[] =>
      Object.keys(from[name]?.input.required ?? {}).toSorted();
    const differing = there.filter((name) => required(name, info).join() !== required(name, OBJECT_INFO).join());
    expect(differing).toEqual([]);
  });

  it.each(WORKFLOW_NAMES.flatMap((name) => familiesOf(name).map((model) => ({ name, model }))))(
    'knows every input of $name for LTX-$model of the nodes that it has',
    async ({ name, model }) => {
      await using client = new ComfyClient({ url });
      const info = await client.objectInfo();
      const parameters = { ...readParameters(undefined), widthPx: 512, heightPx: 384, frames: 17, fps: 23.976, model };
      const workflow = ltxWorkflow(name, parameters);
      const problems = problemsAt(workflow, info);
      const isOlder = !('GetICLoRAParameters' in info);
      const wrong = problems.filter(({ kind }) => kind === 'missing-input' || kind === 'unknown-input');
      // Before that node, its result is not known either.
      expect(
        wrong.filter((problem) => !(isOlder && 'input' in problem && problem.input === 'iclora_parameters')),
      ).toEqual([]);
    },
  );

  it('tells its memory', async () => {
    await using client = new ComfyClient({ url });
    const { devices } = await client.systemStats();
    expect(devices[0]?.vram_total).toBeGreaterThan(0);
  });
});
