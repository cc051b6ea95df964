/**
 * Text to video and image to video, full and distilled. The first stage runs at half the size and is tapped as base.
 * Its latent is doubled, denoised a little more and tapped as refined. Image to video adds a first frame.
 */
import type { Link } from '../graph.ts';
import type { SliceInput, WorkflowParameters } from '../parameters.ts';
import type { BuiltGraph } from '../workflow.ts';
import { beginWith, firstFrame } from './first-frame.ts';
import { audioVae, beginScene, stageModel, type Recipe, type Scene } from './loaders.ts';
import {
  cfgGuider,
  decoded,
  emptyAudio,
  emptyVideo,
  sample,
  tapImages,
  tapLatent,
  tapSounds,
  upsample,
} from './stages.ts';
import { upscaled } from './upscale.ts';

export function twoStage(parameters: WorkflowParameters, input: SliceInput, recipe: Recipe): BuiltGraph {
  const scene = beginScene(parameters, input, recipe);
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
  const images = decoded(scene, 'refined', second.video);
  const taps = {
    base: tapLatent(scene, 'base', first.video),
    refined: tapImages(scene, 'refined', images),
    ...(parameters.upscale && { upscaled: upscaled(scene, images, second.audio) }),
  };
  return { graph: scene.graph.graph, taps, ...tapSounds(scene, first.audio, second.audio) };
}

function firstGuider(scene: Scene): Link {
  const { variant, parameters, family, input } = scene;
  if (variant === 'distilled') return cfgGuider(scene, 1, 1, withVoice(scene));
  const guidance = input.guidance ?? parameters.guidance ?? family.guidance;
  return family.samplerOutput === 1 ? cfgGuider(scene, 1, guidance, withVoice(scene)) : dualGuider(scene, guidance);
}

/**
 * LTX-2.3, full: guidance of its own for picture and sound, a pass without one attention block (STG), and one in which
 * picture and sound do not see each other: four evaluations a step, as in the published guider of the extension.
 */
function dualGuider(scene: Scene, video_cfg: number): Link {
  const { graph } = scene;
  const { model: voiced, positive, negative } = withVoice(scene);
  const range = { start_percent: 0, end_percent: 1 };
  const stg = { model: voiced, scale: 1, blocks: '28', ...range };
  const guided = graph.add('guidance-stg', 'LTXVSpatioTemporalGuidance', stg)(0);
  const model = graph.add('guidance-modality', 'LTXVModalityGuidance', { model: guided, modality_scale: 3, ...range })(
    0,
  );
  const inputs = { model, positive, negative, video_cfg, audio_cfg: 7 };
  return graph.add('stage1-guider', 'LTXVDualCFGGuider', inputs)(0);
}

/** The voice of a reference recording, where the operator names one. */
function withVoice(scene: Scene): Pick<Scene, 'model' | 'positive' | 'negative'> {
  const { graph, parameters, positive, negative } = scene;
  const model = stageModel(scene, 1);
  if (parameters.referenceAudio === undefined) return { model, positive, negative };
  const voice = graph.add('reference-voice', 'LTXVReferenceAudio', {
    model,
    positive,
    negative,
    reference_audio: graph.add('reference-audio', 'LoadAudio', { audio: parameters.referenceAudio })(0),
    audio_vae: audioVae(scene),
    identity_guidance_scale: 3,
    start_percent: 0,
    end_percent: 1,
  });
  return { model: voice(0), positive: voice(1), negative: voice(2) };
}
