/**
 * A distilled two-stage workflow guided by edges, depth or pose of an input video. The server finds edges. For depth or
 * pose the input must already be such a video, because the nodes that make one are third-party extensions.
 */
import type { Link } from '../graph.ts';
import type { SliceInput, WorkflowParameters } from '../parameters.ts';
import type { BuiltGraph } from '../workflow.ts';
import { beginWith, firstFrame } from './first-frame.ts';
import { inputFrames, scaled } from './input-video.ts';
import { beginScene, emptyAudio, emptyVideo, sample, stageModel, tapLatent, upsample, type Scene } from './stages.ts';

export function icLora(parameters: WorkflowParameters, input: SliceInput): BuiltGraph {
  const scene = beginScene(parameters, input, 'distilled');
  const { graph } = scene;
  const frame = firstFrame(scene);
  const guide = guided(scene, beginWith(scene, 1, emptyVideo(scene), frame));
  const first = sample(scene, {
    stage: 1,
    guider: graph.add('stage1-guider', 'BasicGuider', { model: guide.model, conditioning: guide.positive })(0),
    video: guide.latent,
    audio: emptyAudio(scene),
  });
  const { positive, negative } = guide;
  const crop = graph.add('stage1-crop', 'LTXVCropGuides', { positive, negative, latent: first.video });
  const second = sample(scene, {
    stage: 2,
    guider: graph.add('stage2-guider', 'BasicGuider', { model: stageModel(scene, 2), conditioning: crop(0) })(0),
    video: beginWith(scene, 2, upsample(scene, crop(2)), frame),
    audio: first.audio,
  });
  const taps = { base: tapLatent(scene, 'base', crop(2)), refined: tapLatent(scene, 'refined', second.video) };
  return { graph: graph.graph, taps };
}

interface Guide {
  model: Link;
  positive: Link;
  negative: Link;
  latent: Link;
}

function guided(scene: Scene, latent: Link): Guide {
  const { graph, files, parameters, vae, positive, negative } = scene;
  const image = controlImages(scene);
  const lora = {
    model: stageModel(scene, 1),
    lora_name: parameters.controlLora ?? files.controlLora(parameters.control),
    strength_model: parameters.controlStrength,
  };
  const shared = { positive, negative, vae, latent, image, frame_idx: 0, strength: 1 };
  if (parameters.model === '2') {
    const model = graph.add('control-lora', 'LoraLoaderModelOnly', lora)(0);
    const guide = graph.add('control-guide', 'LTXVAddGuide', shared);
    return { model, positive: guide(0), negative: guide(1), latent: guide(2) };
  }
  const loader = graph.add('control-lora', 'LTXICLoRALoaderModelOnly', lora);
  const guide = graph.add('control-guide', 'LTXAddVideoICLoRAGuide', {
    ...shared,
    // The LoRA itself states that its references have half the size.
    latent_downscale_factor: loader(1),
    crop: 'disabled',
    use_tiled_encode: parameters.tiledDecode,
    tile_size: 256,
    tile_overlap: 64,
  });
  return { model: loader(0), positive: guide(0), negative: guide(1), latent: guide(2) };
}

function controlImages(scene: Scene): Link {
  const { graph, parameters } = scene;
  const { widthPx, heightPx, frames, overlapFrames } = parameters;
  const image = scaled(graph, 'control-size', inputFrames(scene, frames - overlapFrames), widthPx / 2, heightPx / 2);
  if (parameters.control !== 'canny') return image;
  return graph.add('control-edges', 'Canny', { image, low_threshold: 0.4, high_threshold: 0.8 })(0);
}
