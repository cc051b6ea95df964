/**
 * Starts a video from given pictures: the user's input image, or the last frames of the slice before, so that picture
 * and motion continue. They fill the first latent frames: the first stands for one frame, each further one for eight.
 */
import type { Link } from '../graph.ts';
import type { Scene } from './loaders.ts';

export interface FirstFrame {
  /** Full size. */
  image: Link;
  /** The same picture as input of the first stage. */
  stage1Image: Link;
  strength: number;
}

export function firstFrame({ graph, family, parameters, input }: Scene): FirstFrame | undefined {
  const names = input.previousFrames ?? (input.image === undefined ? [] : [input.image]);
  if (names.length === 0) return undefined;
  const image = graph.add('first-frame-size', 'ImageScale', {
    image: batch(graph, names),
    upscale_method: 'lanczos',
    width: parameters.widthPx,
    height: parameters.heightPx,
    crop: 'center',
  })(0);
  // A video frame needs no compression to look like one.
  if (input.previousFrames !== undefined) return { image, stage1Image: image, strength: 1 };
  const compression = { image, img_compression: family.imageCompression };
  const stage1Image = graph.add('first-frame-compressed', 'LTXVPreprocess', compression)(0);
  return { image, stage1Image, strength: parameters.imageStrength ?? family.imageStrength };
}

function batch(graph: Scene['graph'], names: readonly string[]): Link {
  const loaded = names.map((image, index) => graph.add(`frame${index + 1}`, 'LoadImage', { image })(0));
  return loaded.reduce((image1, image2, index) => graph.add(`frames${index + 1}`, 'ImageBatch', { image1, image2 })(0));
}

/** The latent with the picture in its first frame. */
export function beginWith({ graph, vae }: Scene, stage: 1 | 2, latent: Link, frame?: FirstFrame): Link {
  if (frame === undefined) return latent;
  const id = `stage${stage}-first-frame`;
  const inputs =
    stage === 1
      ? { vae, image: frame.stage1Image, latent, strength: frame.strength, bypass: false }
      : { vae, image: frame.image, latent, strength: 1, bypass: false };
  return graph.add(id, 'LTXVImgToVideoInplace', inputs)(0);
}
