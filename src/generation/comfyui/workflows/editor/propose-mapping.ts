/**
 * Finds in a graph what a mapping must name: the input of the prompt, the seed, the size and length of the picture, and
 * the pictures to send. What can be read in several ways is left to the person. Pure.
 */
import { isLink, type Graph, type Link } from '../graph.ts';

export interface Choice {
  /** Node and input, as a person would name it: `6.text`. */
  place: [nodeId: string, input: string];
  /** For the question. */
  label: string;
}

export interface Findings {
  prompts: Choice[];
  seeds: Choice[];
  /** Links whose pictures can be sent, best first. */
  pictures: { link: Link; label: string }[];
  widthPx?: number;
  heightPx?: number;
  frames?: number;
  fps?: number;
}

/** Inputs that end in a node of a class whose name matches, with the input that takes the pictures. */
const PICTURES = ['images', 'image', 'frames', 'video'];
const OUTPUT = /^(Save|Preview)(Image|Video|Animated|WEBM)|^SaveImageWebsocket$|VideoCombine$|^CreateVideo$/i;

export function findingsOf(graph: Graph): Findings {
  const nodes = Object.entries(graph);
  const positive = new Set(
    nodes.flatMap(([, { inputs }]) => ancestorsOf(graph, inputs['positive'] ?? inputs['conditioning'])),
  );
  const negative = new Set(nodes.flatMap(([, { inputs }]) => ancestorsOf(graph, inputs['negative'])));
  const texts = placesOf(
    graph,
    ({ name, value }) => /^(text|prompt|positive_prompt)$/.test(name) && typeof value === 'string',
  );
  const onlyPositive = texts.filter(({ place: [id] }) => positive.has(id) && !negative.has(id));
  const size = nodes.find(
    ([, { class_type, inputs }]) =>
      class_type.startsWith('Empty') && typeof inputs['width'] === 'number' && typeof inputs['height'] === 'number',
  )?.[1].inputs;
  const numberOf = (...names: string[]): number | undefined =>
    names.map((name) => size?.[name]).find((value): value is number => typeof value === 'number');
  const rate = nodes
    .map(([, { inputs }]) => inputs['fps'] ?? inputs['frame_rate'])
    .find((value) => typeof value === 'number');
  return {
    prompts: onlyPositive.length > 0 ? onlyPositive : texts,
    seeds: placesOf(graph, ({ name, value }) => /^(noise_)?seed$/.test(name) && typeof value === 'number'),
    pictures: picturesOf(graph),
    ...defined('widthPx', numberOf('width')),
    ...defined('heightPx', numberOf('height')),
    ...defined('frames', numberOf('length', 'batch_size')),
    ...defined('fps', typeof rate === 'number' ? rate : undefined),
  };
}

const defined = <Key extends string>(key: Key, value: number | undefined): Partial<Record<Key, number>> =>
  value === undefined ? {} : ({ [key]: value } as Record<Key, number>);

function placesOf(graph: Graph, wanted: (input: { name: string; value: unknown }) => boolean): Choice[] {
  return Object.entries(graph).flatMap(([id, { class_type, inputs }]) =>
    Object.entries(inputs)
      .filter(([name, value]) => wanted({ name, value }))
      .map(([name]): Choice => ({ place: [id, name], label: `${id}.${name} (${class_type})` })),
  );
}

/** Pictures that an output node shows; a video's are those that it is made of. Nodes for frames come first. */
function picturesOf(graph: Graph): Findings['pictures'] {
  const found = Object.entries(graph)
    .filter(([, { class_type }]) => OUTPUT.test(class_type))
    .toSorted(
      ([, a], [, b]) => Number(b.class_type === 'SaveImageWebsocket') - Number(a.class_type === 'SaveImageWebsocket'),
    )
    .flatMap(([id, { class_type, inputs }]) => {
      const link = PICTURES.map((name) => inputs[name]).find(isLink);
      // A SaveVideo takes a video; the CreateVideo before it is in the list, too.
      const isVideo = link !== undefined && (graph[link[0]]?.class_type.endsWith('Video') ?? false);
      return link === undefined || isVideo ? [] : [{ link, label: `${id} (${class_type})` }];
    });
  return [...new Map(found.map((entry) => [entry.link.join(':'), entry])).values()];
}

/** Ids of the nodes before a link. */
function ancestorsOf(graph: Graph, from: unknown): string[] {
  const seen = new Set<string>();
  const open = isLink(from) ? [from[0]] : [];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    open.push(
      ...Object.values(graph[id]?.inputs ?? {})
        .filter(isLink)
        .map(([source]) => source),
    );
  }
  return [...seen];
}

export interface Answers {
  name: string;
  prompt: [nodeId: string, input: string];
  seed?: [nodeId: string, input: string] | undefined;
  pictures: Link;
  widthPx: number;
  heightPx: number;
  frames: number;
  fps: number;
}

const TAP = 'glimpse-tap';

/** The mapping file: the graph with a tap of ours on the chosen pictures. */
export function mappingOf(graph: Graph, answers: Answers): object {
  const { name, prompt, seed, pictures, widthPx, heightPx, frames, fps } = answers;
  return {
    name,
    graph: { ...graph, [TAP]: { class_type: 'SaveImageWebsocket', inputs: { images: pictures } } },
    inputs: { prompt, ...(seed && { seed }) },
    tiers: { base: { tap: TAP, widthPx, heightPx } },
    frames,
    fps,
  };
}
