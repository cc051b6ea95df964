import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GlimpseError } from '../../../../src/errors.ts';
import type { Graph } from '../../../../src/generation/comfyui/workflows/graph.ts';
import { findingsOf, mappingOf } from '../../../../src/generation/comfyui/workflows/editor/propose-mapping.ts';
import { readGraph } from '../../../../src/generation/comfyui/workflows/editor/read-graph.ts';
import { checkGraph } from '../../../../src/generation/comfyui/workflows/workflow-check.ts';

/** As the editor saves it: links by number, values in the order of the widgets, one more behind the seed. */
const SAVED = {
  nodes: [
    { id: 1, type: 'CLIPTextEncode', inputs: [widget('text')], widgets_values: ['a fox'] },
    { id: 2, type: 'CLIPTextEncode', inputs: [widget('text')], widgets_values: ['blurry'] },
    {
      id: 3,
      type: 'EmptyLatent',
      inputs: ['width', 'height', 'length'].map((name) => widget(name)),
      widgets_values: [640, 352, 49],
    },
    {
      id: 4,
      type: 'KSampler',
      inputs: [
        linked('positive', 11),
        linked('negative', 12),
        linked('latent_image', 13),
        widget('seed'),
        widget('steps'),
      ],
      widgets_values: [7, 'randomize', 20],
    },
    { id: 5, type: 'VAEDecode', inputs: [linked('samples', 14)], widgets_values: [] },
    { id: 6, type: 'Reroute', inputs: [{ name: '', link: 15 }] },
    { id: 7, type: 'CreateVideo', inputs: [linked('images', 16), widget('fps')], widgets_values: [24] },
    { id: 8, type: 'SaveVideo', inputs: [linked('video', 17)], widgets_values: ['out'] },
    { id: 9, type: 'SaveImage', mode: 4, inputs: [linked('images', 15)] },
    { id: 10, type: 'Note', widgets_values: ['words'] },
  ],
  links: [
    [11, 1, 0, 4, 0, 'CONDITIONING'],
    [12, 2, 0, 4, 1, 'CONDITIONING'],
    [13, 3, 0, 4, 2, 'LATENT'],
    [14, 4, 0, 5, 0, 'LATENT'],
    [15, 5, 0, 6, 0, 'IMAGE'],
    [16, 6, 0, 7, 0, 'IMAGE'],
    [17, 7, 0, 8, 0, 'VIDEO'],
  ],
};

function widget(name: string) {
  return { name, widget: { name }, link: null };
}

function linked(name: string, link: number) {
  return { name, link };
}

describe('a workflow of the editor', () => {
  it('becomes the graph that the editor would send', () => {
    const graph = readGraph(SAVED);
    expect(Object.keys(graph)).toEqual(['1', '2', '3', '4', '5', '7', '8']);
    expect(graph['4']?.inputs).toEqual({
      positive: ['1', 0],
      negative: ['2', 0],
      latent_image: ['3', 0],
      seed: 7,
      steps: 20,
    });
    expect(graph['7']?.inputs['images']).toEqual(['5', 0]);
    expect(readGraph(graph)).toEqual(graph);
  });

  it('is understood: the prompt and not its opposite, the seed, the shape, and pictures instead of a video', () => {
    const found = findingsOf(readGraph(SAVED));
    expect(found.prompts.map(({ place }) => place)).toEqual([['1', 'text']]);
    expect(found.seeds.map(({ place }) => place)).toEqual([['4', 'seed']]);
    expect(found).toMatchObject({ widthPx: 640, heightPx: 352, frames: 49, fps: 24, pictures: [{ link: ['5', 0] }] });
    const mapping = mappingOf(readGraph(SAVED), {
      name: 'fox',
      prompt: ['1', 'text'],
      pictures: ['5', 0],
      widthPx: 640,
      heightPx: 352,
      frames: 49,
      fps: 24,
    });
    expect(mapping).toMatchObject({
      graph: { 'glimpse-tap': { class_type: 'SaveImageWebsocket', inputs: { images: ['5', 0] } } },
      tiers: { base: { tap: 'glimpse-tap' } },
    });
  });

  it('is refused with a reason where it has groups, or is something else', () => {
    const grouped = { ...SAVED, definitions: { subgraphs: [{ id: 'KSampler' }] } };
    expect(() => readGraph(grouped)).toThrowError(/group/);
    expect(() => readGraph({ a: 1 })).toThrowError(/no nodes/);
  });

  it('is read, or refused as our error, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (nodes, links) => {
        for (const file of [nodes, { nodes, links }, { nodes: [nodes], links: [links] }])
          try {
            findingsOf(readGraph(file));
          } catch (error) {
            expect(error).toBeInstanceOf(GlimpseError);
          }
      }),
    );
  });
});

describe('inputs of newer kinds', () => {
  const info = {
    Batch: { input: { required: { images: ['COMFY_AUTOGROW_V3', {}] }, optional: undefined }, output: ['IMAGE'] },
    Resize: {
      input: { required: { resize_type: ['COMFY_DYNAMICCOMBO_V3', {}], settings: ['CURVE', {}] }, optional: undefined },
      output: ['IMAGE'],
    },
  };

  it('are no problem of a graph, and missing where no part is given', () => {
    const graph = {
      a: { class_type: 'Batch', inputs: { 'images.image0': ['b', 0] as const } },
      b: {
        class_type: 'Resize',
        inputs: { resize_type: 'scale', 'resize_type.width': 64, settings: { points: [[0, 1]] } },
      },
    };
    // As a mapping file has it: objects pass through.
    expect(checkGraph(graph as unknown as Graph, info)).toEqual([]);
    expect(checkGraph({ a: { class_type: 'Batch', inputs: {} } }, info)).toMatchObject([{ kind: 'missing-input' }]);
  });
});
