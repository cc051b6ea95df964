/** Fits a workflow to a server: which family it has, and what it calls the files. Pure. */
import { GlimpseError } from '../../../../errors.ts';
import type { ObjectInfo } from '../../server/wire.ts';
import { isLink, type Graph, type GraphNode } from '../graph.ts';
import { checkGraph, choicesOf, PROBE, type WorkflowProblem } from '../workflow-check.ts';
import type { Workflow } from '../workflow.ts';
import { nameAmong } from './model-names.ts';

/** The graph with the server's names for model files: in a subfolder, or the same weights in fewer bits. */
export function withServerNames(graph: Graph, info: ObjectInfo): Graph {
  return Object.fromEntries(Object.entries(graph).map(([id, node]) => [id, renamed(node, info)]));
}

function renamed(node: GraphNode, info: ObjectInfo): GraphNode {
  const { required, optional } = info[node.class_type]?.input ?? {};
  const specs: Record<string, unknown[]> = { ...optional, ...required };
  const inputs = Object.entries(node.inputs).map(([name, value]) => {
    const choices = typeof value === 'string' && specs[name] ? choicesOf(specs[name]) : undefined;
    if (choices === undefined || isLink(value) || choices.includes(value)) return [name, value] as const;
    return [name, nameAmong(String(value), choices) ?? value] as const;
  });
  return { ...node, inputs: Object.fromEntries(inputs) };
}

/** What a server lacks for a workflow, its own names counted. */
export function problemsAt(workflow: Workflow, info: ObjectInfo): WorkflowProblem[] {
  const { graph } = workflow.build(PROBE, { memoryMode: 'none' });
  return checkGraph(withServerNames(graph, info), info);
}

/**
 * The first of `choices` that all servers have whole. If there is none: the one with the fewest missing nodes, then the
 * fewest missing files in proportion to what it needs; the first of equals.
 */
export function bestFit<Choice extends Workflow>(choices: readonly Choice[], servers: readonly ObjectInfo[]): Choice {
  const ranked = choices.map((choice) => {
    const problems = servers.flatMap((info) => problemsAt(choice, info));
    const nodes = problems.filter(({ kind }) => kind !== 'missing-file').length;
    const files = problems.length - nodes;
    return { choice, nodes, share: files / Object.keys(choice.build(PROBE, { memoryMode: 'none' }).graph).length };
  });
  const [best] = ranked.toSorted((a, b) => a.nodes - b.nodes || Math.sign(a.share) - Math.sign(b.share));
  if (best === undefined) throw new GlimpseError('INTERNAL', { message: 'there is no workflow to choose from' });
  return best.choice;
}
