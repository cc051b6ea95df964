/**
 * Any ComfyUI graph as a workflow. A mapping says which inputs take the prompt, the seed and the first frame, and which
 * nodes send which tier.
 */
import type { Graph, GraphNode, InputValue } from './graph.ts';
import type { SliceInput } from './parameters.ts';
import type { BuiltGraph, Workflow } from './workflow.ts';

type Place = [nodeId: string, input: string];

interface MappedTier {
  /** Id of a SaveImageWebsocket node. */
  tap: string;
  widthPx: number;
  heightPx: number;
}

export interface Mapping {
  name: string;
  graph: Graph;
  inputs: {
    prompt: Place;
    seed?: Place | undefined;
    guidance?: Place | undefined;
    firstFrame?: Place | undefined;
  };
  tiers: { base?: MappedTier | undefined; refined?: MappedTier | undefined };
  frames: number;
  fps: number;
}

const TIERS = ['base', 'refined'] as const;

export function mappedWorkflow(mapping: Mapping): Workflow {
  const tiers = TIERS.flatMap((tier) => {
    const size = mapping.tiers[tier];
    return size === undefined ? [] : [{ tier, widthPx: size.widthPx, heightPx: size.heightPx }];
  });
  return {
    name: mapping.name,
    conditioning: 'free text',
    frames: mapping.frames,
    fps: mapping.fps,
    tiers,
    // The first slice starts from the image that the graph itself names.
    needs: 'nothing',
    options: [],
    overlapFrames: mapping.inputs.firstFrame === undefined ? 0 : 1,
    build: (input) => filledIn(mapping, input),
  };
}

function filledIn({ graph, inputs, tiers }: Mapping, input: SliceInput): BuiltGraph {
  const nodes: Record<string, GraphNode> = { ...graph };
  const set = (place: Place | undefined, value: InputValue | undefined): void => {
    const node = place && nodes[place[0]];
    if (place === undefined || node === undefined || value === undefined) return;
    nodes[place[0]] = { ...node, inputs: { ...node.inputs, [place[1]]: value } };
  };
  set(inputs.prompt, input.prompt);
  set(inputs.seed, input.seed + input.slice * 2 ** 32);
  set(inputs.guidance, input.guidance);
  set(inputs.firstFrame, input.previousFrames?.at(-1));
  const taps = TIERS.flatMap((tier) => (tiers[tier] === undefined ? [] : [[tier, tiers[tier].tap]]));
  return { graph: nodes, taps: Object.fromEntries(taps) as BuiltGraph['taps'] };
}
