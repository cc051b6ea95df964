/**
 * Distilled two-stage workflows that follow pictures by an IC-LoRA: edges, depth or pose of an input video; a sheet of
 * characters and things; paths drawn over a first frame. The server finds edges. For depth or pose the input must
 * already be such a video, because the nodes that make one are third-party extensions.
 */
import { GlimpseError } from '../../../../errors.ts';
import type { Link } from '../graph.ts';
import type { Point, SliceInput, WorkflowParameters } from '../parameters.ts';
import type { BuiltGraph } from '../workflow.ts';
import type { CONTROLS, GuideLora } from './families.ts';
import { beginWith, firstFrame } from './first-frame.ts';
import { guide } from './guide.ts';
import { inputFrames, scaled } from './input-video.ts';
import { beginScene, stageModel, type Recipe, type Scene } from './loaders.ts';
import { cfgGuider, emptyAudio, emptyVideo, sample, tapLatent, tapSounds, upsample } from './stages.ts';

type Kind = 'control' | 'ingredients' | 'motionTrack';

export const guided =
  (kind: Kind) =>
  (parameters: WorkflowParameters, input: SliceInput, recipe: Recipe): BuiltGraph => {
    const scene = beginScene(parameters, input, recipe);
    const { graph } = scene;
    const { image, frame } = followedPictures(scene, kind);
    const followed = guide(scene, {
      id: 'control',
      model: stageModel(scene, 1),
      lora: { name: loraName(scene, kind), strength: parameters.controlStrength },
      latent: beginWith(scene, 1, emptyVideo(scene), frame),
      image,
    });
    const first = sample(scene, {
      stage: 1,
      guider: guiderOf(scene, 1, followed),
      video: followed.latent,
      audio: emptyAudio(scene),
    });
    const { positive, negative } = followed;
    const crop = graph.add('stage1-crop', 'LTXVCropGuides', { positive, negative, latent: first.video });
    const second = sample(scene, {
      stage: 2,
      guider: guiderOf(scene, 2, { model: stageModel(scene, 2), positive: crop(0), negative: crop(1) }),
      video: beginWith(scene, 2, upsample(scene, crop(2)), frame),
      audio: first.audio,
    });
    const taps = { base: tapLatent(scene, 'base', crop(2)), refined: tapLatent(scene, 'refined', second.video) };
    return { graph: graph.graph, taps, ...tapSounds(scene, first.audio, second.audio) };
  };

/** 2.0 was published without guidance; since 2.3 the samplers evaluate the negative prompt. */
function guiderOf(scene: Scene, stage: 1 | 2, on: Pick<Scene, 'model' | 'positive' | 'negative'>): Link {
  if (scene.family.samplerOutput === 0) return cfgGuider(scene, stage, 1, on);
  const { model, positive: conditioning } = on;
  return scene.graph.add(`stage${stage}-guider`, 'BasicGuider', { model, conditioning })(0);
}

function loraName({ family, parameters }: Scene, kind: Kind): string {
  const key: (typeof CONTROLS)[number] | GuideLora = kind === 'control' ? parameters.control : kind;
  return parameters.controlLora ?? family.loras[key] ?? '';
}

function followedPictures(scene: Scene, kind: Kind): { image: Link; frame: ReturnType<typeof firstFrame> } {
  switch (kind) {
    case 'control':
      return { image: controlImages(scene), frame: firstFrame(scene) };
    case 'ingredients':
      // The image is the sheet, not the first frame.
      return { image: sheet(scene), frame: firstFrame({ ...scene, input: { ...scene.input, image: undefined } }) };
    default:
      return { image: drawnTracks(scene), frame: firstFrame(scene) };
  }
}

function controlImages(scene: Scene): Link {
  const { graph, parameters } = scene;
  const { widthPx, heightPx, frames, overlapFrames } = parameters;
  const image = scaled(graph, 'control-size', inputFrames(scene, frames - overlapFrames), widthPx / 2, heightPx / 2);
  if (parameters.control !== 'canny') return image;
  return graph.add('control-edges', 'Canny', { image, low_threshold: 0.4, high_threshold: 0.8 })(0);
}

/** The sheet as a still video. */
function sheet({ graph, input, parameters }: Scene): Link {
  if (input.image === undefined)
    throw new GlimpseError('WORKFLOW_INVALID', { message: 'This workflow needs a reference sheet (--comfyui-input).' });
  const image = graph.add('sheet', 'LoadImage', { image: input.image })(0);
  const sized = scaled(graph, 'sheet-size', image, parameters.widthPx / 2, parameters.heightPx / 2);
  return graph.add('sheet-video', 'RepeatImageBatch', { image: sized, amount: parameters.frames })(0);
}

/** Discs that move along the operator's paths; drawn by the extension. */
function drawnTracks({ graph, parameters }: Scene): Link {
  const { widthPx, heightPx, frames, tracks } = parameters;
  const size = { width: widthPx / 2, height: heightPx / 2 };
  const points = tracks.map((path) => trackPoints(path, frames, size));
  return graph.add('tracks', 'LTXVDrawTracks', { tracks: JSON.stringify(points), ...size })(0);
}

/**
 * A few points of a path become one position for every frame, evenly spaced.
 * @param path in shares of the picture, at least one point. @returns px, one per frame
 */
export function trackPoints(
  path: readonly Point[],
  frames: number,
  { width, height }: { width: number; height: number },
): { x: number; y: number }[] {
  return Array.from({ length: frames }, (_, frame) => {
    const at = (frame / Math.max(1, frames - 1)) * (path.length - 1);
    const [x0, y0] = path[Math.floor(at)] ?? [0, 0];
    const [x1, y1] = path[Math.ceil(at)] ?? [x0, y0];
    const share = at - Math.floor(at);
    return { x: (x0 + (x1 - x0) * share) * width, y: (y0 + (y1 - y0) * share) * height };
  });
}
