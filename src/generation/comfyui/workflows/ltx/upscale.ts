/**
 * The `upscaled` tier: the pixel upscaler, an IC-LoRA that follows the finished pictures and draws them at twice the
 * size. It begins from pure noise, so what its latent holds does not matter. The sound stays as it is.
 */
import { GlimpseError } from '../../../../errors.ts';
import type { Link } from '../graph.ts';
import { guide } from './guide.ts';
import { stageModel, type Scene } from './loaders.ts';
import { DISTILLED_SIGMAS } from './published.ts';
import { cfgGuider, sample, tapLatent } from './stages.ts';

export function upscaled(scene: Scene, images: Link, audio: Link): string {
  const { graph, family, parameters } = scene;
  const name = family.loras.upscale;
  if (name === undefined)
    throw new GlimpseError('WORKFLOW_INVALID', {
      message: 'The pixel upscaler is published for LTX-2.3 and 2.5 only.',
    });
  const latent = graph.add('upscale-empty', 'EmptyLTXVLatentVideo', {
    width: parameters.widthPx * 2,
    height: parameters.heightPx * 2,
    length: parameters.frames,
    batch_size: 1,
  })(0);
  const followed = guide(scene, {
    id: 'upscale',
    model: stageModel(scene, 2, 'upscale'),
    lora: { name, strength: 1 },
    latent,
    image: images,
  });
  const { video } = sample(scene, {
    stage: 2,
    id: 'upscale',
    guider: cfgGuider(scene, 2, 1, { ...followed, id: 'upscale' }),
    video: followed.latent,
    audio: frozen(scene, audio),
    sigmas: DISTILLED_SIGMAS,
  });
  const { positive, negative } = followed;
  const crop = graph.add('upscale-crop', 'LTXVCropGuides', { positive, negative, latent: video });
  return tapLatent(scene, 'upscaled', crop(2));
}

/** A latent that sampling leaves alone. */
function frozen({ graph }: Scene, samples: Link): Link {
  const mask = graph.add('upscale-audio-mask', 'SolidMask', { value: 0, width: 512, height: 512 })(0);
  return graph.add('upscale-audio', 'SetLatentNoiseMask', { samples, mask })(0);
}
