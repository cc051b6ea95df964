/** The ComfyUI backend over the stand-in server, with a small workflow: 256x128, 17 frames of which eight are shown. */
import { ComfyUiGenerator } from '../../src/generation/comfyui/comfyui-generator.ts';
import { ComfyClient } from '../../src/generation/comfyui/server/client.ts';
import type { InputFile } from '../../src/generation/comfyui/input-file.ts';
import { ComfyPool } from '../../src/generation/comfyui/server/pool.ts';
import { readParameters } from '../../src/generation/comfyui/workflows/settings.ts';
import { ltxWorkflow, type WorkflowName } from '../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import type { Rendition, SliceJob } from '../../src/generation/generator.ts';
import { ComfyStandIn, type StandInOptions } from '../../bench/support/comfyui/comfyui-stand-in.ts';
import { wholeRenditions } from './whole-renditions.ts';

export const FRAMES = 17;
export const SIZE = { widthPx: 256, heightPx: 128 };
export const JOB: SliceJob = {
  revision: 3,
  slice: 0,
  prompt: 'a red ball',
  seed: 7,
  startMs: 0,
  startAtTier: 'base',
  stopAtTier: 'refined',
};
export const never = new AbortController().signal;

export interface ComfyFixture extends AsyncDisposable {
  standIn: ComfyStandIn;
  generator: ComfyUiGenerator;
}

export interface ComfyFixtureOptions extends StandInOptions {
  workflow?: WorkflowName;
  inputFile?: InputFile;
}

/** Asks the server about a silent prompt after 100 ms. */
export async function comfyFixture({
  workflow = 't2v-distilled',
  inputFile,
  ...options
}: ComfyFixtureOptions = {}): Promise<ComfyFixture> {
  const standIn = await ComfyStandIn.start(options);
  const parameters = { ...readParameters(undefined), ...SIZE, frames: FRAMES };
  const client = new ComfyClient({ url: standIn.url, silenceMs: 100 });
  const generator = new ComfyUiGenerator({
    pool: new ComfyPool({ clients: [client] }),
    workflow: ltxWorkflow(workflow, parameters),
    inputFile,
  });
  const close = async (): Promise<void> => {
    await generator.close();
    await standIn.close();
  };
  return { standIn, generator, [Symbol.asyncDispose]: close };
}

/** All renditions of a slice, each of them whole. */
export const generateSlice = (generator: ComfyUiGenerator, changes: Partial<SliceJob> = {}): Promise<Rendition[]> =>
  wholeRenditions(generator.generate({ ...JOB, ...changes }, { signal: never }), generator.info.slice.frames);
