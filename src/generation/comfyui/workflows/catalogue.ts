/** The workflows that can be asked for by name. */
import { GlimpseError } from '../../../errors.ts';
import { checkClip, nearestClip } from '../clip-rules.ts';
import { REDUCED_SCALE, type SliceInput, type WorkflowParameters } from '../parameters.ts';
import type { BuiltGraph, Workflow } from '../workflow.ts';
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
  return {
    name,
    conditioning,
    needs,
    continues,
    frames,
    fps,
    tiers: [
      { tier: 'base', widthPx: widthPx / 2, heightPx: heightPx / 2 },
      { tier: 'refined', widthPx, heightPx },
    ],
    build: (input, { reduced }) => build(reduced ? reduce(parameters, stages) : parameters, input),
  };
}

function reduce(parameters: WorkflowParameters, stages: 1 | 2): WorkflowParameters {
  const { widthPx, heightPx, frames } = parameters;
  const wanted = { widthPx: widthPx * REDUCED_SCALE, heightPx: heightPx * REDUCED_SCALE, frames };
  return { ...parameters, ...nearestClip(wanted, stages), lowVram: true, tiledDecode: true };
}
