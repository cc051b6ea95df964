/** An IC-LoRA and the pictures that it follows, with nodes of ComfyUI itself. */
import type { Link } from '../graph.ts';
import { withLora, type Scene } from './loaders.ts';

export interface GuideOptions {
  /** Prefix of its nodes' ids. */
  id: string;
  /** With the stage's LoRAs. */
  model: Link;
  lora: { name: string; strength: number };
  latent: Link;
  /** Scaled by the node to the size that the LoRA takes. */
  image: Link;
}

export interface Followed {
  model: Link;
  positive: Link;
  negative: Link;
  latent: Link;
}

export function guide(scene: Scene, { id, model, lora, latent, image }: GuideOptions): Followed {
  const { graph, vae, positive, negative, family } = scene;
  const guided = withLora(graph, `${id}-lora`, model, lora);
  // LoRAs since 2.3 may take references of another size, and state so in their metadata.
  const iclora_parameters =
    family.leastSidePx > 256
      ? graph.add(`${id}-parameters`, 'GetICLoRAParameters', { iclora_model: guided })(0)
      : undefined;
  const added = graph.add(`${id}-guide`, 'LTXVAddGuide', {
    positive,
    negative,
    vae,
    latent,
    image,
    frame_idx: 0,
    strength: 1,
    iclora_parameters,
  });
  return { model: guided, positive: added(0), negative: added(1), latent: added(2) };
}
