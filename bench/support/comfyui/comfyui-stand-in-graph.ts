/**
 * What the stand-in for ComfyUI knows of graphs: validation with `node_errors` in the server's words, the order in which
 * nodes run, and the pictures a tap would send (size and number follow from the graph).
 */
import { hash } from 'node:crypto';
import { isLink, linksOf, type Graph, type GraphNode } from '../../../src/generation/comfyui/workflows/graph.ts';
import type { ObjectInfo } from '../../../src/generation/comfyui/server/wire.ts';

interface NodeProblem {
  type: string;
  message: string;
  details: string;
  extra_info: { input_name?: string; received_value?: unknown };
}

/** Undefined when the graph may run; the body of a 400 otherwise. */
export function refusalOf(graph: Graph, info: ObjectInfo, uploads: ReadonlySet<string>): object | undefined {
  for (const [id, { class_type }] of Object.entries(graph))
    if (!(class_type in info)) {
      const message = `Node '${class_type}' not found. The custom node may not be installed.`;
      const extra_info = { node_id: id, class_type };
      return {
        error: { type: 'missing_node_type', message, details: `Node ID '#${id}'`, extra_info },
        node_errors: {},
      };
    }
  const outputs = outputsOf(graph, info);
  if (outputs.length === 0) {
    const message = 'Prompt has no outputs';
    return { error: { type: 'prompt_no_outputs', message, details: '', extra_info: {} }, node_errors: {} };
  }
  const node_errors = Object.fromEntries(
    runOrder(graph, outputs)
      .map((id) => [id, graph[id] as GraphNode] as const)
      .map(([id, node]) => [id, { ...node, errors: problemsOf(node, graph, info, uploads) }] as const)
      .filter(([, { errors }]) => errors.length > 0)
      .map(([id, { errors, class_type }]) => [id, { errors, class_type, dependent_outputs: outputs }]),
  );
  if (Object.keys(node_errors).length === 0) return undefined;
  const message = 'Prompt outputs failed validation';
  return { error: { type: 'prompt_outputs_failed_validation', message, details: '', extra_info: {} }, node_errors };
}

function problemsOf(node: GraphNode, graph: Graph, info: ObjectInfo, uploads: ReadonlySet<string>): NodeProblem[] {
  const { required = {}, optional = {} } = info[node.class_type]?.input ?? {};
  return Object.entries({ ...optional, ...required }).flatMap(([name, spec]) => {
    const value = node.inputs[name];
    const problem = (type: string, message: string): NodeProblem[] => [
      { type, message, details: name, extra_info: { input_name: name, received_value: value } },
    ];
    if (value === undefined)
      return name in required ? problem('required_input_missing', 'Required input is missing') : [];
    if (isLink(value)) {
      const source = graph[value[0]];
      const given = source && info[source.class_type]?.output[value[1]];
      if (typeof given !== 'string') return problem('bad_linked_input', 'Bad linked input');
      const fits = spec[0] === '*' || String(spec[0]).split(',').includes(given);
      return fits ? [] : problem('return_type_mismatch', 'Return type mismatch between linked nodes');
    }
    const { min, max, options, image_upload, video_upload, audio_upload } = (spec[1] ?? {}) as Record<string, unknown>;
    if (audio_upload === true) return [];
    if (image_upload === true || video_upload === true)
      return uploads.has(String(value)) ? [] : problem('custom_validation_failed', 'Custom validation failed for node');
    if (typeof value === 'number' && typeof min === 'number' && value < min)
      return problem('value_smaller_than_min', `Value ${value} smaller than min of ${min}`);
    if (typeof value === 'number' && typeof max === 'number' && value > max)
      return problem('value_bigger_than_max', `Value ${value} bigger than max of ${max}`);
    const choices = Array.isArray(spec[0]) ? spec[0] : options;
    if (Array.isArray(choices) && !choices.includes(value)) return problem('value_not_in_list', 'Value not in list');
    return [];
  });
}

export const outputsOf = (graph: Graph, info: ObjectInfo): string[] =>
  Object.keys(graph).filter((id) => info[graph[id]?.class_type ?? '']?.output_node === true);

/** Nodes in an order in which each comes after what it needs, output after output. */
export function runOrder(graph: Graph, outputs: readonly string[]): string[] {
  const order = new Set<string>();
  const visit = (id: string): void => {
    const node = graph[id];
    if (node === undefined || order.has(id)) return;
    for (const source of linksOf(node)) visit(source);
    order.add(id);
  };
  for (const id of outputs) visit(id);
  return [...order];
}

/**
 * Stands for the result of each node of a graph: equal for equal nodes over equal sources, as in the server's cache. A
 * digest each, because a key that spelt its sources out would double with every node that is used twice.
 */
export function cacheKeysOf(graph: Graph): (id: string) => string {
  const known = new Map<string, string>();
  const keyOf = (id: string): string => {
    const node = graph[id];
    const seen = known.get(id);
    if (node === undefined || seen !== undefined) return seen ?? id;
    const inputs = Object.entries(node.inputs).map(([name, value]) => [
      name,
      isLink(value) ? [keyOf(value[0]), value[1]] : value,
    ]);
    const key = hash('sha1', JSON.stringify([node.class_type, inputs]));
    known.set(id, key);
    return key;
  };
  return keyOf;
}

export interface Batch {
  widthPx: number;
  heightPx: number;
  frames: number;
}

/** Frames of the video behind a LoadVideo. */
const VIDEO_FRAMES = 64;
const PICTURE_INPUTS = [
  'images',
  'destination',
  'latents',
  'samples',
  'av_latent',
  'video_latent',
  'latent_image',
  'latent',
  'pixels',
  'image',
  'video',
];

/** The pictures a node hands on. */
export function batchOf(graph: Graph, id: string): Batch {
  const { class_type, inputs } = graph[id] ?? { class_type: '', inputs: {} };
  const number = (name: string): number => Number(inputs[name]);
  const source = PICTURE_INPUTS.map((name) => inputs[name]).find((value) => isLink(value));
  const behind = source === undefined ? { widthPx: 64, heightPx: 64, frames: 1 } : batchOf(graph, source[0]);
  switch (class_type) {
    case 'RepeatImageBatch':
      return { ...behind, frames: number('amount') };
    case 'ImagePadForOutpaint':
      return {
        ...behind,
        widthPx: behind.widthPx + number('left') + number('right'),
        heightPx: behind.heightPx + number('top') + number('bottom'),
      };
    case 'EmptyImage':
      return { widthPx: number('width'), heightPx: number('height'), frames: number('batch_size') };
    case 'EmptyLTXVLatentVideo':
      return { widthPx: number('width'), heightPx: number('height'), frames: number('length') };
    case 'ImageScale':
      return { ...behind, widthPx: number('width'), heightPx: number('height') };
    case 'LTXVLatentUpsampler':
      return { ...behind, widthPx: behind.widthPx * 2, heightPx: behind.heightPx * 2 };
    case 'LoadVideo':
      return { ...behind, frames: VIDEO_FRAMES };
    case 'ImageFromBatch': {
      const first = Math.min(number('batch_index'), behind.frames - 1);
      return { ...behind, frames: Math.min(number('length'), behind.frames - first) };
    }
    default:
      return behind;
  }
}
