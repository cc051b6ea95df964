/** The part of the input video that a slice is made from, at the size of the finished picture. */
import { GlimpseError } from '../../../../errors.ts';
import type { Link } from '../graph.ts';
import type { Scene } from './loaders.ts';

/** `sliceFrames`: frames from the start of one slice to the start of the next. */
export function inputFrames({ graph, input, parameters }: Scene, sliceFrames: number): Link {
  if (input.video === undefined) {
    throw new GlimpseError('WORKFLOW_INVALID', { message: 'This workflow needs an input video (--comfyui-input).' });
  }
  const video = graph.add('input-video', 'LoadVideo', { file: input.video })(0);
  const images = graph.add('input-frames', 'ImageFromBatch', {
    image: graph.add('input-components', 'GetVideoComponents', { video })(0),
    batch_index: input.slice * sliceFrames,
    length: parameters.frames,
  })(0);
  return scaled(graph, 'input-size', images, parameters.widthPx, parameters.heightPx);
}

export const scaled = (graph: Scene['graph'], id: string, image: Link, width: number, height: number): Link =>
  graph.add(id, 'ImageScale', { image, upscale_method: 'lanczos', width, height, crop: 'center' })(0);
