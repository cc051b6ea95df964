/** The LTX-2 workflows that can be asked for by name, and the families that each exists for. */
import { GlimpseError } from '../../../../errors.ts';
import type { ObjectInfo } from '../../server/wire.ts';
import { previewMethodOf } from '../preview-method.ts';
import { REDUCED_SCALE, type SliceInput, type WorkflowParameters } from '../parameters.ts';
import type { BuiltGraph, MemoryMode, TapTier, Workflow } from '../workflow.ts';
import { checkClip, nearestClip } from './clip-rules.ts';
import { detailer } from './detailer.ts';
import { CAMERA_MOVES, FAMILIES, FAMILY_NAMES, type FamilyName, type Variant } from './families.ts';
import { bestFit, withServerNames } from './fit.ts';
import { guided } from './guided.ts';
import type { Recipe } from './loaders.ts';
import { repaint } from './repaint.ts';
import { twoStage } from './two-stage.ts';

interface Entry {
  conditioning: string;
  needs: Workflow['needs'];
  variant: Variant;
  /** Newest first. */
  families: readonly FamilyName[];
  stages: 1 | 2;
  continues: boolean;
  build: (parameters: WorkflowParameters, input: SliceInput, recipe: Recipe) => BuiltGraph;
}

const SINCE_2_3 = ['2.5', '2.3'] as const;
const TEXT = { conditioning: 'free text', needs: 'nothing', stages: 2, continues: true, build: twoStage } as const;
const IMAGE = { ...TEXT, conditioning: 'free text, first image', needs: 'image' } as const;
const FULL = { variant: 'full', families: ['2.3', '2.0'] } as const;
const DISTILLED = { variant: 'distilled', families: FAMILY_NAMES } as const;
const GUIDED = { variant: 'distilled', families: SINCE_2_3, stages: 2 } as const;
const REPAINT = { ...GUIDED, conditioning: 'free text, input video', needs: 'video', continues: false } as const;

const ENTRIES = {
  't2v-full': { ...TEXT, ...FULL },
  't2v-distilled': { ...TEXT, ...DISTILLED },
  'i2v-full': { ...IMAGE, ...FULL },
  'i2v-distilled': { ...IMAGE, ...DISTILLED },
  'v2v-detailer': {
    conditioning: 'free text, input video',
    needs: 'video',
    variant: 'full',
    families: ['2.0'],
    stages: 1,
    continues: false,
    build: detailer,
  },
  'ic-lora-distilled': {
    ...DISTILLED,
    conditioning: 'free text, control video',
    needs: 'video',
    stages: 2,
    continues: true,
    build: guided('control'),
  },
  'ingredients-distilled': {
    ...GUIDED,
    conditioning: 'free text, reference sheet',
    needs: 'image',
    continues: true,
    build: guided('ingredients'),
  },
  'motion-track-distilled': {
    ...GUIDED,
    conditioning: 'free text, first image',
    needs: 'image',
    continues: false,
    build: guided('motionTrack'),
  },
  'inpaint-distilled': { ...REPAINT, build: repaint('inpaint') },
  'outpaint-distilled': { ...REPAINT, build: repaint('outpaint') },
} as const satisfies Record<string, Entry>;

export type WorkflowName = keyof typeof ENTRIES;
export const WORKFLOW_NAMES = Object.keys(ENTRIES) as WorkflowName[];

export const isWorkflowName = (name: string): name is WorkflowName => Object.hasOwn(ENTRIES, name);

/** The families that a workflow exists for, newest first. */
export const familiesOf = (name: WorkflowName): readonly FamilyName[] => ENTRIES[name].families;

/**
 * The newest family until it is fitted to a server.
 * @throws GlimpseError WORKFLOW_INVALID when LTX-2 cannot make that size or length (names the nearest it can), or the
 *   workflow is not published for the family asked for
 */
export function ltxWorkflow(name: WorkflowName, parameters: WorkflowParameters): Workflow {
  const { stages, continues }: Entry = ENTRIES[name];
  const families = familiesFor(name, parameters);
  const least = Math.min(...families.map((family) => FAMILIES[family].leastSidePx));
  checkClip(parameters, stages, least);
  const { frames } = parameters;
  const overlapFrames = continues ? parameters.overlapFrames : 0;
  if (frames - overlapFrames < 8)
    throw new GlimpseError('WORKFLOW_INVALID', {
      message: `Of ${frames} frames ${overlapFrames} overlap: fewer than 8 are left to show. Make more, or overlap less.`,
    });
  const side = Math.min(parameters.widthPx, parameters.heightPx);
  const able = families.filter((family) => FAMILIES[family].leastSidePx <= side);
  const moves = stages === 2 && able.every((family) => family === '2.0');
  const choices = able.map((family) => inFamily(name, parameters, { family, overlapFrames, moves }));
  const [newest] = choices;
  if (newest === undefined) throw new GlimpseError('INTERNAL', { message: `${name} has no family` });
  return {
    ...newest,
    fitted: (servers, without = new Set()) => {
      const left = choices.filter(({ family }) => family === undefined || !without.has(family));
      return fitted(left.length === 0 ? choices : left, servers);
    },
  };
}

function familiesFor(name: WorkflowName, { model, upscale, cameraMove }: WorkflowParameters): readonly FamilyName[] {
  // Camera LoRAs are published for 2.0 alone.
  const wanted = familiesOf(name)
    .filter((family) => model === undefined || model === family)
    .filter((family) => cameraMove === undefined || family === '2.0');
  if (wanted.length === 0)
    throw new GlimpseError('WORKFLOW_INVALID', {
      message: `${name} is for LTX-${familiesOf(name).join(', ')}; camera moves are for 2.0 alone.`,
    });
  const able = wanted.filter((family) => !upscale || FAMILIES[family].loras.upscale !== undefined);
  if (able.length > 0 && (!upscale || ENTRIES[name].build === twoStage)) return able;
  throw new GlimpseError('WORKFLOW_INVALID', {
    message: 'upscale works with the text and image workflows of LTX-2.3 and 2.5.',
  });
}

interface InFamily {
  family: FamilyName;
  overlapFrames: number;
  /** Whether a session may choose a camera move. */
  moves: boolean;
}

function inFamily(
  name: WorkflowName,
  parameters: WorkflowParameters,
  { family, overlapFrames, moves }: InFamily,
): Workflow {
  const { conditioning, needs, variant, stages, continues, build }: Entry = ENTRIES[name];
  const { widthPx, heightPx, frames, fps } = parameters;
  const at = (tier: TapTier, scale: number) => ({ tier, widthPx: widthPx * scale, heightPx: heightPx * scale });
  return {
    name,
    family,
    conditioning,
    needs,
    options: [
      ...(variant === 'full' && stages === 2 ? (['negativePrompt', 'steps'] as const) : []),
      ...(moves ? (['cameraMove'] as const) : []),
    ],
    overlapFrames,
    frames,
    fps,
    // An input video has a sound of its own, which is not passed on.
    sound: parameters.sound && continues ? { channels: 2 } : undefined,
    tiers: [at('base', 0.5), at('refined', 1), ...(parameters.upscale ? [at('upscaled', 2)] : [])],
    build: (input, { memoryMode }) =>
      build(withMemoryMode(chosen(parameters, input), memoryMode, { family, stages }), input, { family, variant }),
  };
}

/** The newest family that all servers have, else the one that lacks least; with their names for its files. */
function fitted(choices: readonly Workflow[], servers: readonly ObjectInfo[]): Workflow {
  const [first] = servers;
  const best = bestFit(choices, servers);
  if (first === undefined) return best;
  return {
    ...best,
    previewMethod: previewMethodOf(servers),
    build: (input, options) => {
      const built = best.build(input, options);
      return { ...built, graph: withServerNames(built.graph, first) };
    },
  };
}

/** The parameters of one session's slice. */
function chosen(parameters: WorkflowParameters, { negativePrompt, steps, cameraMove }: SliceInput): WorkflowParameters {
  const move = CAMERA_MOVES.find((name) => name === cameraMove) ?? parameters.cameraMove;
  return {
    ...parameters,
    negativePrompt: negativePrompt ?? parameters.negativePrompt,
    steps: steps ?? parameters.steps,
    cameraMove: move,
  };
}

function withMemoryMode(
  parameters: WorkflowParameters,
  memoryMode: MemoryMode,
  { family, stages }: { family: FamilyName; stages: 1 | 2 },
): WorkflowParameters {
  const saving = { ...parameters, smallTiles: parameters.lowVram || memoryMode !== 'none' };
  if (memoryMode !== 'smaller') return saving;
  const { widthPx, heightPx, frames } = parameters;
  const wanted = { widthPx: widthPx * REDUCED_SCALE, heightPx: heightPx * REDUCED_SCALE, frames };
  return { ...saving, ...nearestClip(wanted, stages, FAMILIES[family].leastSidePx) };
}
