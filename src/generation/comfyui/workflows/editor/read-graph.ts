/**
 * Reads a workflow file of ComfyUI's editor as a graph in the prompt format: either that format itself ("Export (API)"),
 * or the editor's own with places and links. The editor writes a node's values in the order of its inputs that have a
 * widget, with one more after a seed. Groups of nodes (subgraphs) and switched-off nodes are not resolved. Pure.
 */
import { GlimpseError } from '../../../../errors.ts';
import type { Graph, GraphNode, InputValue, Link } from '../graph.ts';

/** Far more than any graph has. */
const NODES_MAX = 2_000;

/** Notes, and wires that the editor resolves. */
const WITHOUT_EFFECT = new Set(['Note', 'MarkdownNote']);
const ACTIVE = 0;
const AFTER_SEED = new Set(['fixed', 'increment', 'decrement', 'randomize']);

interface EditorInput {
  name?: unknown;
  link?: unknown;
  widget?: { name?: unknown } | null;
}

interface EditorNode {
  id: string | number;
  type: string;
  mode?: number;
  inputs?: EditorInput[];
  widgets_values?: unknown;
  widgets_values_named?: Record<string, unknown>;
}

/** What of a file looks like a node; nothing else is looked at. */
function editorNode(value: unknown): EditorNode[] {
  const {
    id,
    type,
    mode,
    inputs,
    widgets_values,
    widgets_values_named: named,
  } = Object(value) as Record<string, unknown>;
  if ((typeof id !== 'string' && typeof id !== 'number') || typeof type !== 'string') return [];
  const given = Array.isArray(inputs) ? (inputs as unknown[]).map((input) => Object(input) as EditorInput) : [];
  const byName = typeof named === 'object' && named !== null ? (named as Record<string, unknown>) : undefined;
  return [
    {
      id,
      type,
      mode: typeof mode === 'number' ? mode : ACTIVE,
      inputs: given,
      widgets_values,
      ...(byName && { widgets_values_named: byName }),
    },
  ];
}

/** @throws GlimpseError CONFIG_INVALID saying what it is instead */
export function readGraph(file: unknown): Graph {
  const object = Object(file) as Record<string, unknown>;
  if (Array.isArray(object['nodes'])) return fromEditor((object['nodes'] as unknown[]).flatMap(editorNode), object);
  const nodes = Object.entries(object).filter(([, node]) => typeof Object(node).class_type === 'string');
  if (nodes.length === 0 || nodes.length > NODES_MAX) throw unreadable('it has no nodes of ComfyUI');
  return Object.fromEntries(nodes.map(([id, node]) => [id, plainNode(node as GraphNode)]));
}

const plainNode = ({ class_type, inputs }: GraphNode): GraphNode => ({ class_type, inputs: { ...inputs } });

function fromEditor(nodes: readonly EditorNode[], file: Record<string, unknown>): Graph {
  if (nodes.length > NODES_MAX) throw unreadable('it has too many nodes');
  const groups = new Set(groupsOf(file));
  const grouped = nodes.find(({ type }) => groups.has(type));
  if (grouped) throw unreadable(`node ${grouped.id} is a group: export it by "Export (API)", which unpacks it`);
  const active = nodes.filter(({ type, mode = ACTIVE }) => mode === ACTIVE && !WITHOUT_EFFECT.has(type));
  const links = linksOf(file);
  return Object.fromEntries(
    active
      .filter(({ type }) => type !== 'Reroute' && type !== 'PrimitiveNode')
      .map((node) => [String(node.id), { class_type: node.type, inputs: inputsOf(node, links, active) }]),
  );
}

function groupsOf(file: Record<string, unknown>): string[] {
  const { subgraphs } = Object(file['definitions']) as { subgraphs?: unknown };
  return Array.isArray(subgraphs) ? subgraphs.map((group) => String(Object(group).id)) : [];
}

/** Where each link comes from, by its id. */
function linksOf(file: Record<string, unknown>): Map<number, Link> {
  const links = Array.isArray(file['links']) ? (file['links'] as unknown[]) : [];
  return new Map(
    links.flatMap((link): [number, Link][] => {
      if (!Array.isArray(link)) return [];
      const [id, from, output] = link as unknown[];
      return typeof id === 'number' && typeof output === 'number' ? [[id, [String(from), output]]] : [];
    }),
  );
}

function inputsOf(node: EditorNode, links: Map<number, Link>, nodes: readonly EditorNode[]): GraphNode['inputs'] {
  const inputs: Record<string, InputValue> = {};
  const values = widgetsOf(node);
  for (const { name, link, widget } of node.inputs ?? []) {
    if (typeof name !== 'string') continue;
    const value = widget ? values(name) : undefined;
    const source = typeof link === 'number' ? sourceOf(links.get(link), links, nodes) : undefined;
    if (source !== undefined) inputs[name] = source;
    else if (value !== undefined) inputs[name] = value as InputValue;
  }
  return inputs;
}

/** The value of each widget, asked for in the order of the inputs. */
function widgetsOf({ widgets_values: values, widgets_values_named: named }: EditorNode): (name: string) => unknown {
  if (named) return (name) => named[name];
  if (!Array.isArray(values)) return (name) => (Object(values) as Record<string, unknown>)[name];
  let at = 0;
  return (name) => {
    const value = (values as unknown[])[at++];
    // The editor's own widget behind a seed: what becomes of it after a run.
    if (name.endsWith('seed') && AFTER_SEED.has(String((values as unknown[])[at]))) at += 1;
    return value;
  };
}

/** Through reroutes; the value itself where it is a primitive node's. */
function sourceOf(
  link: Link | undefined,
  links: Map<number, Link>,
  nodes: readonly EditorNode[],
): Link | InputValue | undefined {
  let at = link;
  for (let hops = 0; hops < NODES_MAX && at !== undefined; hops++) {
    const [id] = at;
    const node = nodes.find((other) => String(other.id) === id);
    if (node?.type === 'PrimitiveNode')
      return (Array.isArray(node.widgets_values) ? node.widgets_values[0] : undefined) as InputValue | undefined;
    if (node?.type !== 'Reroute') return node === undefined ? undefined : at;
    const [input] = node.inputs ?? [];
    at = typeof input?.link === 'number' ? links.get(input.link) : undefined;
  }
  return undefined;
}

const unreadable = (why: string): GlimpseError =>
  new GlimpseError('CONFIG_INVALID', { message: `This is no workflow that can be mapped: ${why}.` });
