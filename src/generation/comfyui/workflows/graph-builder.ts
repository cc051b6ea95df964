/** Builds a graph node by node. A node's id says what it is for, so that errors name it in words. */
import { GlimpseError } from '../../../errors.ts';
import type { Graph, GraphNode, InputValue, Link } from './graph.ts';

/** The outputs of a node, to link to. */
export type Outputs = (output: number) => Link;

export class GraphBuilder {
  readonly #nodes: Record<string, GraphNode> = {};

  /**
   * Inputs that are undefined are left out.
   * @example const image = graph.add('image', 'LoadImage', { image: name }); image(0)
   */
  add(id: string, class_type: string, inputs: Readonly<Record<string, InputValue | undefined>>): Outputs {
    if (id in this.#nodes) throw new GlimpseError('INTERNAL', { message: `two nodes are named ${id}` });
    const given = Object.entries(inputs).filter((entry): entry is [string, InputValue] => entry[1] !== undefined);
    this.#nodes[id] = { class_type, inputs: Object.fromEntries(given) };
    return (output) => [id, output];
  }

  get graph(): Graph {
    return this.#nodes;
  }
}
