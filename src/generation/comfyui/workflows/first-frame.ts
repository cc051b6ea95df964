/**
 * Begins a video with a given picture: the user's input image, or the last frame of the slice before, so that slices
 * follow each other without a jump. The picture is written into the first latent frame.
 */
import type { Link } from '../graph.ts';
import type { Scene } from './stages.ts';

export interface FirstFrame {
  /** Full size. */
  image: Link;
  /** The same as the first stage should see it. */
  stage1Image: Link;
  strength: number;
}

export function firstFrame({ graph, files, parameters, input }: Scene): FirstFrame | undefined {
  const name = input.previousFrame ?? input.image;
  if (name === undefined) return undefined;
  const image = graph.add('first-frame-size', 'ImageScale', {
    image: graph.add('first-frame', 'LoadImage', { image: name })(0),
    upscale_method: 'lanczos',
    width: parameters.widthPx,
    height: parameters.heightPx,
    crop: 'center',
  })(0);
  // A frame of a video looks like one already.
  if (input.previousFrame !== undefined) return { image, stage1Image: image, strength: 1 };
  const compression = { image, img_compression: files.imageCompression };
  const stage1Image = graph.add('first-frame-compressed', 'LTXVPreprocess', compression)(0);
  return { image, stage1Image, strength: parameters.imageStrength };
}

/** The latent with the picture in its first frame. */
export function beginWith({ graph, parameters, vae }: Scene, stage: 1 | 2, latent: Link, frame?: FirstFrame): Link {
  if (frame === undefined) return latent;
  const id = `stage${stage}-first-frame`;
  const inputs =
    stage === 1
      ? { vae, image: frame.stage1Image, latent, strength: frame.strength, bypass: false }
      : { vae, image: frame.image, latent, strength: 1, bypass: false };
  return graph.add(id, parameters.model === '2' ? 'LTXVImgToVideoInplace' : 'LTXVImgToVideoConditionOnly', inputs)(0);
}
