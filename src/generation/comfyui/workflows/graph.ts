/**
 * A ComfyUI graph in the prompt format: nodes by id, each input a value or a link `[node id, output index]`. The server
 * runs only what its output nodes need, so removing a tap also removes what only that tap needed. Pure.
 */
export type Link = readonly [nodeId: string, output: number];
/** What our graphs are built of. A mapped graph may have lists and objects besides, which pass through. */
export type InputValue = string | number | boolean | Link;

export interface GraphNode {
  class_type: string;
  inputs: Readonly<Record<string, InputValue>>;
}

export type Graph = Readonly<Record<string, GraphNode>>;

export const isLink = (value: unknown): value is Link =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number';

/** The part of a graph that the nodes in `outputs` need. Keeps links to missing nodes: the server names them. */
export function prune(graph: Graph, outputs: readonly string[]): Graph {
  const kept: Record<string, GraphNode> = {};
  const open = [...outputs];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const node = graph[id];
    if (node === undefined || id in kept) continue;
    kept[id] = node;
    open.push(...linksOf(node));
  }
  // In the order of the whole graph, so that equal requests have equal bytes.
  return Object.fromEntries(Object.entries(graph).filter(([id]) => id in kept));
}

export const linksOf = ({ inputs }: GraphNode): string[] =>
  Object.values(inputs)
    .filter(isLink)
    .map(([id]) => id);
