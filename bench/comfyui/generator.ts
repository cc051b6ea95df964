/** The ComfyUI backend at the bench's server: 121 frames, base at 960x544. */
import { ComfyUiGenerator } from '../../src/generation/comfyui/comfyui-generator.ts';
import { ComfyClient } from '../../src/generation/comfyui/server/client.ts';
import { ComfyPool } from '../../src/generation/comfyui/server/pool.ts';
import { readParameters } from '../../src/generation/comfyui/workflows/settings.ts';
import { ltxWorkflow } from '../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import type { SliceJob } from '../../src/generation/generator.ts';

export function benchGenerator(url: string, frames = 121): ComfyUiGenerator {
  const parameters = { ...readParameters(undefined), widthPx: 1920, heightPx: 1088, frames };
  const pool = new ComfyPool({ clients: [new ComfyClient({ url })] });
  return new ComfyUiGenerator({ pool, workflow: ltxWorkflow('t2v-distilled', parameters) });
}

/** Every seed is a prompt that the server has not seen. */
export const jobOf = (seed: number): SliceJob => ({
  revision: 0,
  slice: 0,
  prompt: 'a red ball',
  seed,
  startMs: 0,
  startAtTier: 'base',
  stopAtTier: 'base',
});

export const never = new AbortController().signal;
