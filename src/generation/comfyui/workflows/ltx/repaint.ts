/**
 * In- and outpainting: part of an input video is painted again, the rest stays. The part is painted green, and an IC-LoRA
 * follows the result; afterwards the kept part is put back, pixel for pixel. The second stage begins from the first
 * one's pictures. The published graphs blend the edge over several scales; ours has a hard edge, with nodes of ComfyUI
 * itself.
 */
import { GlimpseError } from '../../../../errors.ts';
import type { Link } from '../graph.ts';
import type { SliceInput, WorkflowParameters } from '../parameters.ts';
import type { BuiltGraph } from '../workflow.ts';
import { guide } from './guide.ts';
import { inputFrames, scaled } from './input-video.ts';
import { beginScene, stageModel, type Recipe, type Scene } from './loaders.ts';
import { REPAINT_SIGMAS } from './published.ts';
import { cfgGuider, decoded, emptyAudio, emptyVideo, sample, tapImages } from './stages.ts';

/** What marks the part to paint. */
const GREEN = 0x66_ff_00;

export const repaint =
  (kind: 'inpaint' | 'outpaint') =>
  (parameters: WorkflowParameters, input: SliceInput, recipe: Recipe): BuiltGraph => {
    const scene = beginScene(parameters, input, recipe);
    const { graph, family } = scene;
    const full = kind === 'inpaint' ? region(scene) : border(scene);
    const half = halved(scene, full);
    const lora = {
      name: parameters.controlLora ?? family.loras.inOutpaint ?? '',
      strength: parameters.controlStrength,
    };
    const followed = guide(scene, {
      id: 'control',
      model: stageModel(scene, 1),
      lora,
      latent: emptyVideo(scene),
      image: painted(scene, 'half', half),
    });
    const guider = cfgGuider(scene, 1, 1, followed);
    const first = sample(scene, { stage: 1, guider, video: followed.latent, audio: emptyAudio(scene) });
    const { positive, negative } = followed;
    const crop = graph.add('stage1-crop', 'LTXVCropGuides', { positive, negative, latent: first.video });
    const base = putBack(scene, 'base', decoded(scene, 'base', crop(2)), half);
    const { widthPx, heightPx } = parameters;
    const second = sample(scene, {
      stage: 2,
      guider: cfgGuider(scene, 2, 1, { model: followed.model, positive: crop(0), negative: crop(1) }),
      video: encoded(scene, scaled(graph, 'base-full', base, widthPx, heightPx)),
      audio: first.audio,
      sigmas: REPAINT_SIGMAS,
    });
    const refined = putBack(scene, 'refined', decoded(scene, 'refined', second.video), full);
    const taps = { base: tapImages(scene, 'base', base), refined: tapImages(scene, 'refined', refined) };
    return { graph: graph.graph, taps };
  };

interface Masked {
  images: Link;
  /** 1 where it is painted again. */
  mask: Link;
}

/** A rectangle of the picture, in shares of it. */
function region(scene: Scene): Masked {
  const { graph, parameters } = scene;
  const { widthPx, heightPx, frames, overlapFrames, region: rectangle } = parameters;
  const [x, y, width, height] = rectangle;
  const px = (share: number, side: number): number => Math.round(share * side);
  const solid = (id: string, value: number, w: number, h: number): Link =>
    graph.add(id, 'SolidMask', { value, width: Math.max(1, w), height: Math.max(1, h) })(0);
  const mask = graph.add('mask', 'MaskComposite', {
    destination: solid('mask-none', 0, widthPx, heightPx),
    source: solid('mask-part', 1, px(width, widthPx), px(height, heightPx)),
    x: px(x, widthPx),
    y: px(y, heightPx),
    operation: 'add',
  })(0);
  return { images: inputFrames(scene, frames - overlapFrames), mask };
}

/** Room around the video, in shares of the finished picture. */
function border(scene: Scene): Masked {
  const { graph, parameters } = scene;
  const { widthPx, heightPx, frames, overlapFrames } = parameters;
  const [left, top, right, bottom] = parameters.border.map(
    (share, index) => Math.round((share * (index % 2 === 0 ? widthPx : heightPx)) / 8) * 8,
  ) as [number, number, number, number];
  const inner = { width: widthPx - left - right, height: heightPx - top - bottom };
  if (inner.width < 64 || inner.height < 64)
    throw new GlimpseError('WORKFLOW_INVALID', { message: 'The border leaves no room for the video.' });
  const video = inputFrames(scene, frames - overlapFrames);
  const image = scaled(graph, 'inner-size', video, inner.width, inner.height);
  const padded = graph.add('padded', 'ImagePadForOutpaint', { image, left, top, right, bottom, feathering: 0 });
  return { images: padded(0), mask: padded(1) };
}

function halved({ graph, parameters: { widthPx, heightPx } }: Scene, { images, mask }: Masked): Masked {
  const [width, height] = [widthPx / 2, heightPx / 2];
  const picture = graph.add('mask-image', 'MaskToImage', { mask })(0);
  const small = graph.add('mask-half-image', 'ImageScale', {
    image: picture,
    upscale_method: 'area',
    width,
    height,
    crop: 'disabled',
  })(0);
  return {
    images: scaled(graph, 'images-half', images, width, height),
    mask: graph.add('mask-half', 'ImageToMask', { image: small, channel: 'red' })(0),
  };
}

/** The pictures with green where they are to be painted again. */
function painted({ graph, parameters: { widthPx, heightPx } }: Scene, id: string, { images, mask }: Masked): Link {
  const source = graph.add(`${id}-green`, 'EmptyImage', {
    width: widthPx / 2,
    height: heightPx / 2,
    batch_size: 1,
    color: GREEN,
  })(0);
  const inputs = { destination: images, source, x: 0, y: 0, resize_source: false, mask };
  return graph.add(`${id}-painted`, 'ImageCompositeMasked', inputs)(0);
}

/** What was made, within the mask; the video outside. */
const putBack = ({ graph }: Scene, id: string, made: Link, { images, mask }: Masked): Link =>
  graph.add(`${id}-images`, 'ImageCompositeMasked', {
    destination: images,
    source: made,
    x: 0,
    y: 0,
    resize_source: false,
    mask,
  })(0);

const encoded = ({ graph, vae }: Scene, pixels: Link): Link =>
  graph.add('base-latent', 'VAEEncodeTiled', {
    pixels,
    vae,
    tile_size: 512,
    overlap: 64,
    temporal_size: 500,
    temporal_overlap: 64,
  })(0);
