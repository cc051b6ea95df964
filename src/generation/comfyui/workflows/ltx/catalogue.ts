/** The workflows that can be asked for by name. */
import { GlimpseError } from '../../../../errors.ts';
import { checkClip, nearestClip } from './clip-rules.ts';
import { CAMERA_MOVES } from './families.ts';
import { REDUCED_SCALE, type SliceInput, type WorkflowParameters } from '../parameters.ts';
import type { BuiltGraph, MemoryMode, Workflow } from '../workflow.ts';
import { detailer } from './detailer.ts';
import { icLora } from './ic-lora.ts';
import { twoStage } from './two-stage.ts';

interface Recipe {
  conditioning: string;
  needs: Workflow['needs'];
  stages: 1 | 2;
  continues: boolean;
  build: (parameters: WorkflowParameters, input: SliceInput) => BuiltGraph;
}

const TEXT = { conditioning: 'free text', needs: 'nothing', stages: 2, continues: true } as const;
const IMAGE = { conditioning: 'free text, first image', needs: 'image', stages: 2, continues: true } as const;

const RECIPES = {
  't2v-full': { ...TEXT, build: (parameters, input) => twoStage(parameters, input, 'full') },
  't2v-distilled': { ...TEXT, build: (parameters, input) => twoStage(parameters, input, 'distilled') },
  'i2v-full': { ...IMAGE, build: (parameters, input) => twoStage(parameters, input, 'full') },
  'i2v-distilled': { ...IMAGE, build: (parameters, input) => twoStage(parameters, input, 'distilled') },
  'v2v-detailer': {
    conditioning: 'free text, input video',
    needs: 'video',
    stages: 1,
    continues: false,
    build: detailer,
  },
  'ic-lora-distilled': {
    conditioning: 'free text, control video',
    needs: 'video',
    stages: 2,
    continues: true,
    build: icLora,
  },
} as const satisfies Record<string, Recipe>;

export type WorkflowName = keyof typeof RECIPES;
export const WORKFLOW_NAMES = Object.keys(RECIPES) as WorkflowName[];

export const isWorkflowName = (name: string): name is WorkflowName => Object.hasOwn(RECIPES, name);

/** @throws GlimpseError WORKFLOW_INVALID when LTX-2 cannot make that size or length; names the nearest it can. */
export function ltxWorkflow(name: WorkflowName, parameters: WorkflowParameters): Workflow {
  const { conditioning, needs, stages, continues, build }: Recipe = RECIPES[name];
  if (name === 'v2v-detailer' && parameters.model !== '2') {
    throw new GlimpseError('WORKFLOW_INVALID', { message: 'The detailer LoRA is published for LTX-2 only.' });
  }
  checkClip(parameters, stages);
  const { widthPx, heightPx, frames, fps } = parameters;
  const overlapFrames = continues ? parameters.overlapFrames : 0;
  if (frames - overlapFrames < 8)
    throw new GlimpseError('WORKFLOW_INVALID', {
      message: `Of ${frames} frames ${overlapFrames} overlap: fewer than 8 are left to show. Make more, or overlap less.`,
    });
  return {
    name,
    conditioning,
    needs,
    options: name.endsWith('-full') ? ['negativePrompt', 'steps', 'cameraMove'] : stages === 2 ? ['cameraMove'] : [],
    overlapFrames,
    frames,
    fps,
    tiers: [
      { tier: 'base', widthPx: widthPx / 2, heightPx: heightPx / 2 },
      { tier: 'refined', widthPx, heightPx },
    ],
    build: (input, { memoryMode }) => build(withMemoryMode(chosen(parameters, input), memoryMode, stages), input),
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

function withMemoryMode(parameters: WorkflowParameters, memoryMode: MemoryMode, stages: 1 | 2): WorkflowParameters {
  if (memoryMode === 'none') return parameters;
  const saving = { ...parameters, lowVram: true, tiledDecode: true };
  if (memoryMode === 'low-vram') return saving;
  const { widthPx, heightPx, frames } = parameters;
  const wanted = { widthPx: widthPx * REDUCED_SCALE, heightPx: heightPx * REDUCED_SCALE, frames };
  return { ...saving, ...nearestClip(wanted, stages) };
}
