/** Runs one prompt for one tap: its pictures become frames, earlier pictures previews, its steps progress. */
import { GlimpseError } from '../../errors.ts';
import type { GenerateOptions } from '../generator.ts';
import type { ComfyClient } from './server/client.ts';
import { prune } from './workflows/graph.ts';
import type { SliceInput } from './workflows/parameters.ts';
import type { Previews } from './previews.ts';
import type { TapFrames } from './tap-frames.ts';
import type { TapSound } from './tap-sound.ts';
import type { TapTier, MemoryMode, Workflow } from './workflows/workflow.ts';

/** Share of a tier's progress for denoising; the rest is decoding and sending, counted by frames that arrive. */
const DENOISING_SHARE = 0.8;

export interface TapRunOptions {
  client: ComfyClient;
  workflow: Workflow;
  input: SliceInput;
  memoryMode: MemoryMode;
  tier: TapTier;
  tap: TapFrames;
  sound: TapSound;
  /** Gets the previews; undefined where no draft is wanted, so that the server draws none. */
  previews: Previews | undefined;
  onProgress: GenerateOptions['onProgress'];
  signal: AbortSignal;
}

/** @returns whether the prompt's end was heard. @throws GlimpseError as `ComfyClient.run`; WORKFLOW_INVALID when the workflow has no such tap */
export async function runTap(options: TapRunOptions): Promise<{ unheard: boolean }> {
  const { client, workflow, input, memoryMode, tier, tap, sound, previews, onProgress, signal } = options;
  const { graph, taps, sounds } = workflow.build(input, { memoryMode });
  const tapId = taps[tier];
  if (tapId === undefined)
    throw new GlimpseError('WORKFLOW_INVALID', { message: `The workflow has no tap for ${tier}.` });
  let reached = 0;
  const tell = (ratio: number): void => {
    reached = Math.max(reached, ratio);
    onProgress?.({ ratio: reached });
  };
  const soundId = sounds?.[tier];
  if (soundId === undefined) sound.end();
  return client.run(prune(graph, soundId === undefined ? [tapId] : [tapId, soundId]), {
    signal,
    previewMethod: previews === undefined ? 'none' : (workflow.previewMethod ?? 'latent2rgb'),
    onGap: () => tap.onGap(),
    onSound: ({ nodeId, file }) => {
      if (nodeId === soundId) sound.begin(() => client.view(file, signal));
    },
    ...(onProgress && { onQueue: (queuePosition: number) => onProgress({ ratio: reached, queuePosition }) }),
    onProgress: ({ nodeId, value, max }) => {
      if (nodeId !== tapId && max > 0) tell((DENOISING_SHARE * value) / max);
    },
    onImage: ({ nodeId, image }) => {
      if (nodeId !== tapId) return previews?.add(image);
      previews?.end();
      tell(DENOISING_SHARE + ((1 - DENOISING_SHARE) * (tap.taken + 1)) / workflow.frames);
      return tap.add(image);
    },
  });
}
