import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkClip, nearestClip } from '../../../src/generation/comfyui/workflows/ltx/clip-rules.ts';
import { prune, type Graph } from '../../../src/generation/comfyui/workflows/graph.ts';
import { mappedWorkflow } from '../../../src/generation/comfyui/workflows/mapped-workflow.ts';
import type { SliceInput, WorkflowParameters } from '../../../src/generation/comfyui/workflows/parameters.ts';
import { readMapping, readParameters } from '../../../src/generation/comfyui/workflows/settings.ts';
import { checkGraph, describeProblem } from '../../../src/generation/comfyui/workflows/workflow-check.ts';
import {
  familiesOf,
  ltxWorkflow,
  WORKFLOW_NAMES,
  type WorkflowName,
} from '../../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import type { FamilyName } from '../../../src/generation/comfyui/workflows/ltx/families.ts';
import type { MemoryMode } from '../../../src/generation/comfyui/workflows/workflow.ts';
import type { NodeInfo } from '../../../src/generation/comfyui/server/wire.ts';
import { MODEL_NAMES, OBJECT_INFO } from '../../../bench/support/comfyui/comfyui-object-info.ts';
import { batchOf, refusalOf } from '../../../bench/support/comfyui/comfyui-stand-in-graph.ts';

const INPUT: SliceInput = { prompt: 'a red ball', seed: 7, slice: 2, image: 'in.png', video: 'in.mp4' };
const SIDES = { '2.0': 256, '2.3': 384, '2.5': 384 } as const;
const PREVIOUS = Array.from({ length: 9 }, (_, index) => `last${index}.png`);
const UPLOADS = new Set(['in.png', 'in.mp4', ...PREVIOUS]);

const parametersFor = (changes: Partial<WorkflowParameters> = {}): WorkflowParameters => ({
  ...readParameters(undefined),
  widthPx: 256,
  heightPx: 256,
  frames: 17,
  ...changes,
});

const sized = (model: FamilyName): Partial<WorkflowParameters> => ({
  model,
  widthPx: SIDES[model],
  heightPx: SIDES[model],
});

/** A node whose list of files is another. */
function emptied(nodeClass: string, input: string, choices: string[] = []): NodeInfo {
  const node = OBJECT_INFO[nodeClass] as NodeInfo;
  return { ...node, input: { ...node.input, required: { ...node.input.required, [input]: [choices] } } };
}

/** Every workflow in every family it exists for. */
const VARIANTS = WORKFLOW_NAMES.flatMap((name) => familiesOf(name).map((model) => ({ name, model })));

describe.each(VARIANTS)('$name for LTX-$model', ({ name, model }) => {
  const extras: Partial<WorkflowParameters>[] = [
    {},
    { lowVram: true, tiledDecode: false },
    {
      ...(model === '2.0' && { cameraMove: 'dolly-in' as const }),
      loras: [{ name: 'ltx-2-19b-lora-camera-control-dolly-in.safetensors', strength: 0.5 }],
    },
    { sigmas: [1, 0.5, 0], refineSigmas: [0.5, 0], control: 'depth', fps: 23.976 },
    {
      referenceAudio: 'voice.wav',
      tracks: [
        [[0.1, 0.2]],
        [
          [0, 0],
          [1, 1],
        ],
      ],
    },
    ...(/^[ti]2v/.test(name) && model !== '2.0' ? [{ upscale: true }] : []),
  ];

  it.each(extras)('fits what the nodes take with %j', (changes) => {
    const workflow = ltxWorkflow(name, parametersFor({ ...sized(model), ...changes }));
    for (const input of [INPUT, { ...INPUT, previousFrames: PREVIOUS }])
      for (const memoryMode of ['none', 'low-vram', 'smaller'] as const) {
        const { graph, taps, sounds } = workflow.build(input, { memoryMode });
        expect(checkGraph(graph, OBJECT_INFO)).toEqual([]);
        for (const tap of [...Object.values(taps), ...Object.values(sounds ?? {})])
          expect(refusalOf(prune(graph, [tap]), OBJECT_INFO, UPLOADS)).toBeUndefined();
      }
  });

  it('taps both stages, at the sizes it promises', () => {
    const upscale = /^[ti]2v/.test(name) && model !== '2.0';
    const workflow = ltxWorkflow(name, parametersFor({ ...sized(model), upscale }));
    const { graph, taps } = workflow.build(INPUT, { memoryMode: 'none' });
    for (const { tier, widthPx, heightPx } of workflow.tiers)
      expect(batchOf(graph, taps[tier] ?? '')).toEqual({ widthPx, heightPx, frames: 17 });
  });

  it('does nothing of the second stage for the first tap', () => {
    const {
      graph,
      taps,
      sounds = {},
    } = ltxWorkflow(name, parametersFor(sized(model))).build(INPUT, {
      memoryMode: 'none',
    });
    const base = prune(graph, [taps.base ?? '']);
    expect(Object.keys(base).filter((id) => /stage2|refine|upsample|upscale/.test(id))).toEqual([]);
    expect(Object.keys(prune(graph, [...Object.values(taps), ...Object.values(sounds)]))).toEqual(Object.keys(graph));
  });
});

describe('a slice that goes on from another', () => {
  it('begins with nine of its frames, in their order, in both stages', () => {
    const workflow = ltxWorkflow('t2v-distilled', parametersFor());
    const { graph } = workflow.build({ ...INPUT, image: undefined, previousFrames: PREVIOUS }, { memoryMode: 'none' });
    const inOrder = (id: string): unknown[] => {
      const { class_type, inputs } = graph[id] ?? { class_type: '', inputs: {} };
      if (class_type === 'LoadImage') return [inputs['image']];
      const links = class_type === 'ImageBatch' ? [inputs['image1'], inputs['image2']] : [inputs['image']];
      return links.flatMap((link) => inOrder((link as [string, number])[0]));
    };
    expect(inOrder('stage1-first-frame')).toEqual(PREVIOUS);
    expect(inOrder('stage2-first-frame')).toEqual(PREVIOUS);
    expect(graph['stage1-first-frame']?.inputs['strength']).toBe(1);
    expect(workflow.overlapFrames).toBe(9);
  });

  it('needs frames to be left when the overlap is taken off', () => {
    expect(() => ltxWorkflow('t2v-full', parametersFor({ frames: 9 }))).toThrowError(/overlap/);
  });
});

describe('parameters', () => {
  const guiderOf = (name: WorkflowName, changes: Partial<WorkflowParameters>, input: Partial<SliceInput> = {}) =>
    ltxWorkflow(name, parametersFor(changes)).build({ ...INPUT, ...input }, { memoryMode: 'none' }).graph[
      'stage1-guider'
    ];

  it('guides full models as asked, and distilled ones never', () => {
    const model = '2.0';
    expect(guiderOf('t2v-full', { model })?.inputs['cfg']).toBe(4);
    expect(guiderOf('t2v-full', { model, guidance: 3 })?.inputs['cfg']).toBe(3);
    expect(guiderOf('t2v-full', { model, guidance: 3 }, { guidance: 6 })?.inputs['cfg']).toBe(6);
    expect(guiderOf('t2v-distilled', { guidance: 3 }, { guidance: 6 })?.inputs['cfg']).toBe(1);
  });

  it('gives every slice its own noise, and the same one each time', () => {
    const noiseOf = (slice: number): unknown =>
      ltxWorkflow('t2v-distilled', parametersFor()).build({ ...INPUT, slice }, { memoryMode: 'none' }).graph[
        'stage1-noise'
      ];
    expect(noiseOf(0)).toEqual({ class_type: 'RandomNoise', inputs: { noise_seed: 7 } });
    expect(noiseOf(1)).not.toEqual(noiseOf(0));
    expect(noiseOf(1)).toEqual(noiseOf(1));
  });

  it('decodes in small tiles where memory is short, and makes smaller pictures where it ran out', () => {
    const parameters = parametersFor({ tiledDecode: false, model: '2.0', widthPx: 512, heightPx: 512 });
    const built = (memoryMode: MemoryMode) =>
      ltxWorkflow('t2v-distilled', parameters).build(INPUT, { memoryMode }).graph;
    expect(built('none')['base-decode']?.class_type).toBe('VAEDecode');
    expect(built('low-vram')['base-decode']).toMatchObject({
      class_type: 'VAEDecodeTiled',
      inputs: { tile_size: 256, temporal_size: 64 },
    });
    expect(built('low-vram')['empty-video']?.inputs).toMatchObject({ width: 256, height: 256 });
    expect(built('smaller')['empty-video']?.inputs).toMatchObject({ width: 192, height: 192 });
    const device = (lowVram: boolean): unknown =>
      ltxWorkflow('t2v-distilled', { ...parameters, lowVram }).build(INPUT, { memoryMode: 'none' }).graph[
        'text-encoder'
      ]?.inputs['device'];
    expect([device(false), device(true)]).toEqual(['default', 'cpu']);
  });

  it('never goes below the least side of the family', () => {
    const { graph } = ltxWorkflow('t2v-distilled', parametersFor()).build(INPUT, { memoryMode: 'smaller' });
    expect(graph['empty-video']?.inputs).toMatchObject({ width: 128, height: 128 });
    expect(() => ltxWorkflow('t2v-distilled', parametersFor({ heightPx: 128 }))).toThrowError(/Nearest: 256x256/);
    expect(() => ltxWorkflow('t2v-distilled', parametersFor({ model: '2.3' }))).toThrowError(/Nearest: 384x384/);
  });

  it('is refused for a family that a workflow is not published for', () => {
    expect(() => ltxWorkflow('v2v-detailer', parametersFor({ model: '2.3' }))).toThrowError(/is for LTX-2\.0/);
    expect(() => ltxWorkflow('t2v-full', parametersFor({ upscale: true, model: '2.0' }))).toThrowError(/2\.3 and 2\.5/);
  });

  it('refuses a size or length LTX-2 cannot make, and offers the nearest', () => {
    expect(() => ltxWorkflow('t2v-full', parametersFor({ widthPx: 1920, heightPx: 1080, frames: 120 }))).toThrowError(
      /Nearest: 1920x1088 with 121 frames/,
    );
  });
});

describe('clip rules', () => {
  it('offer a shape that they accept, near what was asked', () => {
    const side = fc.integer({ min: 1, max: 5_000 });
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 2_000 }),
        fc.constantFrom(1, 2),
        fc.constantFrom(256, 384),
        (widthPx, heightPx, frames, stages, least) => {
          const nearest = nearestClip({ widthPx, heightPx, frames }, stages, least);
          checkClip(nearest, stages, least);
          expect(nearest.frames % 8).toBe(1);
          if (widthPx >= 384 && widthPx <= 4096)
            expect(Math.abs(nearest.widthPx - widthPx)).toBeLessThanOrEqual(16 * stages);
        },
      ),
    );
  });
});

describe('checkGraph', () => {
  const { graph } = ltxWorkflow('t2v-distilled', parametersFor()).build(INPUT, { memoryMode: 'none' });

  it('names a missing extension, a missing file, and inputs that changed', () => {
    const { LTXVLatentUpsampler: _, ...info } = OBJECT_INFO;
    const renamed: Graph = {
      ...graph,
      'stage1-sampler': { class_type: 'KSamplerSelect', inputs: { sampler: 'euler' } },
      checkpoint: {
        class_type: 'CheckpointLoaderSimple',
        inputs: { ckpt_name: 'ltx-2-19b-distilled-fp4.safetensors' },
      },
    };
    const problems = checkGraph(renamed, info);
    expect(problems).toMatchObject([
      { kind: 'missing-file', input: 'ckpt_name', nearest: expect.arrayContaining([]) as string[] },
      { kind: 'missing-input', nodeType: 'KSamplerSelect', input: 'sampler_name' },
      { kind: 'unknown-input', nodeType: 'KSamplerSelect', input: 'sampler' },
      { kind: 'missing-node', nodeType: 'LTXVLatentUpsampler' },
    ]);
    expect(problems.map(describeProblem).join('\n')).toContain('ltx-2-19b-distilled-fp8.safetensors');
  });

  it('says what to fetch, and into which folder', () => {
    const nothing = { ...OBJECT_INFO, CheckpointLoaderSimple: emptied('CheckpointLoaderSimple', 'ckpt_name') };
    const words = checkGraph(graph, nothing).map(describeProblem).join('\n');
    expect(words).toContain(
      'fetch ltx-2-19b-distilled.safetensors of huggingface.co/Lightricks/LTX-2 into models/checkpoints',
    );
  });
});

describe('a workflow without a family', () => {
  const workflow = ltxWorkflow('t2v-distilled', parametersFor({ widthPx: 384, heightPx: 384 }));

  it('takes the newest of which all files are there', () => {
    expect(workflow.fitted?.([OBJECT_INFO]).family).toBe('2.5');
    const without2_5 = { ...OBJECT_INFO, UNETLoader: emptied('UNETLoader', 'unet_name') };
    expect(workflow.fitted?.([without2_5]).family).toBe('2.3');
    expect(workflow.fitted?.([OBJECT_INFO, without2_5]).family).toBe('2.3');
    expect(workflow.fitted?.([OBJECT_INFO], new Set(['2.5', '2.3'])).family).toBe('2.0');
  });

  it('takes files from subfolders, and the same weights in fewer bits', () => {
    const names = {
      CLIPLoader: ['te\\gemma4-12b-with-proj-ltx-2.5-comfy-int8-convrot.safetensors'],
      UNETLoader: ['ltx/2.5/ltx-2.5-22b-distilled-transformer-nvfp4.safetensors'],
    };
    const info = {
      ...OBJECT_INFO,
      CLIPLoader: emptied('CLIPLoader', 'clip_name', names.CLIPLoader),
      UNETLoader: emptied('UNETLoader', 'unet_name', names.UNETLoader),
    };
    const fitted = workflow.fitted?.([info]);
    expect(fitted?.family).toBe('2.5');
    const graph = fitted?.build(INPUT, { memoryMode: 'none' }).graph ?? {};
    expect(graph['transformer']?.inputs['unet_name']).toBe(names.UNETLoader[0]);
    expect(graph['text-encoder']?.inputs['clip_name']).toBe(names.CLIPLoader[0]);
    expect(checkGraph(graph, info)).toEqual([]);
  });

  it('asks for previews by the tiny decoder where its file is there', () => {
    expect(workflow.fitted?.([OBJECT_INFO]).previewMethod).toBe('latent2rgb');
    const vaes = ['taeltx_2.safetensors', ...MODEL_NAMES.vaes];
    const info = { ...OBJECT_INFO, VAELoader: emptied('VAELoader', 'vae_name', vaes) };
    expect(workflow.fitted?.([info]).previewMethod).toBe('taesd');
    expect(workflow.fitted?.([info, OBJECT_INFO]).previewMethod).toBe('latent2rgb');
  });
});

describe('a mapping file', () => {
  const mapping = {
    name: 'plain',
    graph: {
      '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 4, color: 0 } },
      '2': { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['9', 1] } },
      '3': { class_type: 'SaveImageWebsocket', inputs: { images: ['1', 0] } },
    },
    inputs: { prompt: ['2', 'text'], seed: ['1', 'color'] },
    tiers: { base: { tap: '3', widthPx: 64, heightPx: 64 } },
    frames: 4,
    fps: 12,
  };

  const reading = (value: unknown): (() => ReturnType<typeof readMapping>) => {
    const directory = mkdtempSync(join(tmpdir(), 'glimpse-'));
    const path = join(directory, 'mapping.json');
    writeFileSync(path, JSON.stringify(value));
    return () => {
      try {
        return readMapping(path);
      } finally {
        rmSync(directory, { recursive: true });
      }
    };
  };

  it('makes any graph a workflow', () => {
    const workflow = mappedWorkflow(reading(mapping)());
    const { graph, taps } = workflow.build(INPUT, { memoryMode: 'none' });
    expect(graph['2']?.inputs['text']).toBe('a red ball');
    expect(graph['1']?.inputs['color']).toBe(7 + 2 * 2 ** 32);
    expect(taps).toEqual({ base: '3' });
    expect(workflow.overlapFrames).toBe(0);
  });

  it('is refused when it names what the graph does not have', () => {
    expect(reading({ ...mapping, inputs: { prompt: ['2', 'words'] } })).toThrowError(/no input words of node 2/);
    expect(reading({ ...mapping, tiers: { base: { ...mapping.tiers.base, tap: '1' } } })).toThrowError(/no SaveImage/);
    expect(reading({ ...mapping, frames: 1 })).toThrowError(/frames/);
  });
});
