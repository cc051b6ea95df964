/**
 * Text to video and image to video, full and distilled. The first stage runs at half the size and is tapped as base.
 * Its latent is doubled, denoised a little more and tapped as refined. Image to video adds a first frame.
 */
import type { Link } from '../graph.ts';
import type { Variant } from './families.ts';
import type { SliceInput, WorkflowParameters } from '../parameters.ts';
import type { BuiltGraph } from '../workflow.ts';
import { beginWith, firstFrame } from './first-frame.ts';
import { beginScene, emptyAudio, emptyVideo, sample, stageModel, tapLatent, upsample, type Scene } from './stages.ts';

export function twoStage(parameters: WorkflowParameters, input: SliceInput, variant: Variant): BuiltGraph {
  const scene = beginScene(parameters, input, variant);
  const frame = firstFrame(scene);
  const first = sample(scene, {
    stage: 1,
    guider: firstGuider(scene),
    video: beginWith(scene, 1, emptyVideo(scene), frame),
    audio: emptyAudio(scene),
  });
  const second = sample(scene, {
    stage: 2,
    // The distilled LoRA is applied here, so no guidance is needed.
    guider: cfgGuider(scene, 2, 1),
    video: beginWith(scene, 2, upsample(scene, first.video), frame),
    audio: first.audio,
  });
  const taps = { base: tapLatent(scene, 'base', first.video), refined: tapLatent(scene, 'refined', second.video) };
  return { graph: scene.graph.graph, taps };
}

function firstGuider(scene: Scene): Link {
  const { variant, parameters, files, input } = scene;
  if (variant === 'distilled') return cfgGuider(scene, 1, 1);
  const guidance = input.guidance ?? parameters.guidance ?? files.guidance;
  return parameters.model === '2' ? cfgGuider(scene, 1, guidance) : multimodalGuider(scene, guidance);
}

function cfgGuider(scene: Scene, stage: 1 | 2, cfg: number): Link {
  const { graph, positive, negative } = scene;
  return graph.add(`stage${stage}-guider`, 'CFGGuider', { model: stageModel(scene, stage), positive, negative, cfg })(
    0,
  );
}

/** Separate guidance for picture and sound, and a pass that skips one attention block (STG): LTX-2.3, full. */
function multimodalGuider(scene: Scene, cfg: number): Link {
  const { graph, positive, negative } = scene;
  const shared = { stg: 1, perturb_attn: true, modality_scale: 3, skip_step: 0, cross_attn: true };
  const audio = graph.add('guidance-audio', 'GuiderParameters', { modality: 'AUDIO', cfg: 7, rescale: 0.7, ...shared });
  const video = { modality: 'VIDEO', cfg, rescale: 0.9, ...shared, parameters: audio(0) };
  return graph.add('stage1-guider', 'MultimodalGuider', {
    model: stageModel(scene, 1),
    positive,
    negative,
    parameters: graph.add('guidance-video', 'GuiderParameters', video)(0),
    skip_blocks: '28',
  })(0);
}
