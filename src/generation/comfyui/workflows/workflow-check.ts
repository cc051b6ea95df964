/**
 * Compares a graph with the inputs of a server's nodes (`/object_info`). A missing extension, a missing model file or a
 * renamed input is reported before anyone waits for a picture. Pure; finds everything, not only the first.
 */
import { assertNever } from '../../../errors.ts';
import { isLink, type Graph } from './graph.ts';
import { downloadOf } from './ltx/model-names.ts';
import type { SliceInput } from './parameters.ts';
import type { ObjectInfo } from '../server/wire.ts';

export type WorkflowProblem =
  | { kind: 'missing-node'; nodeType: string }
  | { kind: 'missing-input'; nodeType: string; input: string }
  | { kind: 'unknown-input'; nodeType: string; input: string }
  | { kind: 'missing-file'; nodeType: string; input: string; value: string; nearest: string[] };

/** Placeholder names of uploads; the server looks them up only when it runs. */
export const PROBE: SliceInput = { prompt: 'a', seed: 0, slice: 0, image: 'input.png', video: 'input.mp4' };

const EXTENSION = 'install the extension ComfyUI-LTXVideo';
/** Where nodes come from that an up-to-date ComfyUI may lack. */
const NODES: Readonly<Record<string, string>> = {
  SaveImageWebsocket: 'it comes with ComfyUI, unless that is started with --disable-all-custom-nodes',
  LTXVLoopingSampler: EXTENSION,
  LTXVDrawTracks: EXTENSION,
};

/** Most choices shown of a list that lacks the wanted one. */
const NEAREST_MAX = 5;

/** One entry per problem, in the order of the graph. */
export function checkGraph(graph: Graph, info: ObjectInfo): WorkflowProblem[] {
  const found = Object.values(graph).flatMap(({ class_type: nodeType, inputs }): WorkflowProblem[] => {
    const node = info[nodeType];
    if (node === undefined) return [{ kind: 'missing-node', nodeType }];
    const specs: Record<string, unknown[]> = { ...node.input.optional, ...node.input.required };
    return [
      ...Object.keys(node.input.required ?? {})
        .filter((input) => !(input in inputs) && !Object.keys(inputs).some((given) => given.startsWith(`${input}.`)))
        .map((input) => ({ kind: 'missing-input', nodeType, input }) as const),
      ...Object.entries(inputs).flatMap(([input, value]): WorkflowProblem[] => {
        // Parts of an input that grows, and of a choice with inputs of its own: `images.image0`, `resize_type.width`.
        const [whole = ''] = input.split('.');
        if (whole !== input && isGrowing(specs[whole])) return [];
        const spec = specs[input];
        if (spec === undefined) return [{ kind: 'unknown-input', nodeType, input }];
        const choices = isLink(value) ? undefined : choicesOf(spec);
        if (choices === undefined || choices.includes(value)) return [];
        return [{ kind: 'missing-file', nodeType, input, value: String(value), nearest: nearestOf(value, choices) }];
      }),
    ];
  });
  // Two nodes of one class report the same problem once.
  return [...new Map(found.map((problem) => [JSON.stringify(problem), problem])).values()];
}

/** What an operator should do about it. */
export function describeProblem(problem: WorkflowProblem): string {
  const { nodeType } = problem;
  switch (problem.kind) {
    case 'missing-node':
      return `node ${nodeType} is not there: ${NODES[nodeType] ?? 'update ComfyUI'}`;
    case 'missing-input':
      return `node ${nodeType} needs an input ${problem.input} that this workflow does not give: the server is newer`;
    case 'unknown-input':
      return `node ${nodeType} knows no input ${problem.input}: the server is older, or newer`;
    case 'missing-file': {
      const there = problem.nearest.length === 0 ? 'nothing' : problem.nearest.join(', ');
      const download = downloadOf(problem.value);
      const advice = download === undefined ? '' : `; ${download}`;
      return `node ${nodeType} input ${problem.input}: ${problem.value} is not there${advice}; the server has ${there}`;
    }
    default:
      return assertNever(problem);
  }
}

/** An input of a newer kind, whose parts are inputs of their own. */
const isGrowing = (spec: unknown[] | undefined): boolean =>
  typeof spec?.[0] === 'string' && /^COMFY_(AUTOGROW|DYNAMICCOMBO)/.test(spec[0]);

/** The values a choice offers, in both notations; undefined if any value fits or files are looked up on each run. */
export function choicesOf([type, options]: unknown[]): unknown[] | undefined {
  const settings = Object(options) as Record<string, unknown>;
  if (['image_upload', 'video_upload', 'audio_upload'].some((name) => settings[name] === true)) return undefined;
  if (Array.isArray(type)) return type;
  return type === 'COMBO' && Array.isArray(settings['options']) ? settings['options'] : undefined;
}

/** Longest common beginning first. */
function nearestOf(value: unknown, choices: readonly unknown[]): string[] {
  const wanted = String(value);
  const alike = (choice: string): number => {
    let same = 0;
    while (same < choice.length && choice[same] === wanted[same]) same++;
    return same;
  };
  return choices
    .filter((choice) => typeof choice === 'string')
    .toSorted((a, b) => alike(b) - alike(a))
    .slice(0, NEAREST_MAX);
}
