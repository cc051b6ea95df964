/** What the ComfyUI backend begins from: an image or a video, of a session or of the operator. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ComfyUiGenerator } from '../../src/generation/comfyui/comfyui-generator.ts';
import { ComfyClient } from '../../src/generation/comfyui/server/client.ts';
import type { Graph } from '../../src/generation/comfyui/workflows/graph.ts';
import { InputFile } from '../../src/generation/comfyui/input-file.ts';
import { ComfyPool } from '../../src/generation/comfyui/server/pool.ts';
import { readParameters } from '../../src/generation/comfyui/workflows/settings.ts';
import { ltxWorkflow, WORKFLOW_NAMES } from '../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import { comfyFixture as fixture, generateSlice as generate, SIZE } from '../support/comfyui-fixture.ts';
import { encodePng } from '../../bench/support/pictures/png.ts';
import { sessionFixture } from '../support/session-fixture.ts';

describe('what a session brings', () => {
  const media = {
    kind: 'image',
    mediaType: 'image/png',
    sha256: 'c0ffee'.repeat(8),
    data: encodePng(16, 16, () => [9, 9, 9]),
  } as const;

  it('is what its slices begin from, with its own choices, and no other session sees it', async () => {
    await using held = await fixture({ workflow: 'i2v-full' });
    const { generator, standIn } = held;
    expect(generator.info).toMatchObject({ input: { kind: 'image', needed: true } });
    const options = { negativePrompt: 'rain', steps: 5, cameraMove: 'dolly-in' };
    await generate(generator, { input: media, options, stopAtTier: 'base' });
    const [{ graph } = { graph: {} as Graph }] = standIn.prompts;
    const name = String(graph['frame1']?.inputs['image']);
    expect(Buffer.from(standIn.uploads.get(name) ?? []).equals(Buffer.from(media.data))).toBe(true);
    expect(graph['negative-prompt']?.inputs['text']).toBe('rain');
    expect(graph['stage1-sigmas']?.inputs['steps']).toBe(5);
    expect(graph['stage1-lora1']?.inputs['lora_name']).toMatch(/dolly-in/);
  });

  it('is refused where the generator takes something else, and missed where it needs it', async () => {
    await using held = await fixture({ workflow: 'i2v-distilled' });
    const { sessions } = sessionFixture({ generator: held.generator });
    const request = { prompt: 'a red ball', mode: 'live', seconds: 4 } as const;
    const refused = (more: object): Promise<void> =>
      expect(sessions.create({ ...request, ...more })).rejects.toMatchObject({ code: 'PARAMETER_INVALID' });
    await refused({});
    await refused({ media: { ...media, kind: 'video' } });
    await refused({ media, steps: 4 });
    await refused({ media, cameraMove: '../../models' });
    await (await sessions.create({ ...request, media, cameraMove: 'static' })).close('done');
  });
});

describe('input files', () => {
  const withFile = async (name: string, data: Uint8Array, use: (path: string) => Promise<void>): Promise<void> => {
    const directory = await mkdtemp(join(tmpdir(), 'glimpse-'));
    try {
      await writeFile(join(directory, name), data);
      await use(join(directory, name));
    } finally {
      await rm(directory, { recursive: true });
    }
  };
  const PNG = encodePng(16, 16, () => [9, 9, 9]);
  /** The first box of an MP4, which is all that is looked at here. */
  const MP4 = Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isomiso2', 'latin1');

  it.each(WORKFLOW_NAMES)('run %s from end to end', async (workflow) => {
    const video = /^v2v|ic-lora|paint/.test(workflow);
    await withFile(video ? 'in.mp4' : 'in.png', video ? MP4 : PNG, async (path) => {
      const inputFile = await InputFile.read(path);
      await using held = await fixture({ workflow, inputFile });
      const renditions = await generate(held.generator);
      expect(renditions.map(({ tier }) => tier)).toEqual(['base', 'refined']);
      for (const { frames } of renditions) expect(frames).toHaveLength(held.generator.info.slice.frames);
      expect(held.standIn.uploads.size).toBe(1);
    });
  });

  it('are uploaded once for all, and a viewer who leaves ends nobody else’s wait', async () => {
    await withFile('in.png', PNG, async (path) => {
      const inputFile = await InputFile.read(path);
      const answered = Promise.withResolvers<string>();
      let signals = 0;
      const client = new ComfyClient({ url: 'http://127.0.0.1:1' });
      client.upload = (_upload, signal) => {
        if (signal) signals += 1;
        return answered.promise;
      };
      const leaving = new AbortController();
      const left = inputFile.nameAt(client, leaving.signal);
      const stays = inputFile.nameAt(client, new AbortController().signal);
      leaving.abort();
      await expect(left).rejects.toMatchObject({ code: 'ABORTED' });
      answered.resolve('glimpse-input.png');
      expect(await stays).toBe('glimpse-input.png');
      expect(signals).toBe(0);
      await client.close();
    });
  });

  it('are refused when they are neither picture nor video, or not what the workflow needs', async () => {
    await withFile('in.png', Buffer.from('<svg/>'), async (path) => {
      await expect(InputFile.read(path)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    });
    await withFile('in.png', PNG, async (path) => {
      const inputFile = await InputFile.read(path);
      const workflow = ltxWorkflow('v2v-detailer', { ...readParameters(undefined), ...SIZE });
      await using client = new ComfyClient({ url: 'http://127.0.0.1:1' });
      const pool = new ComfyPool({ clients: [client] });
      expect(() => new ComfyUiGenerator({ pool, workflow, inputFile })).toThrowError(/v2v-detailer needs a video/);
    });
    await expect(InputFile.read('/no/such/file.png')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
