/** The ComfyUI backend over the stand-in server, with a small workflow: LTX-2 at 256x256, 17 frames of which eight are shown. */
import { ComfyUiGenerator } from '../../src/generation/comfyui/comfyui-generator.ts';
import { ComfyClient } from '../../src/generation/comfyui/server/client.ts';
import type { InputFile } from '../../src/generation/comfyui/input-file.ts';
import { ComfyPool } from '../../src/generation/comfyui/server/pool.ts';
import { readParameters } from '../../src/generation/comfyui/workflows/settings.ts';
import { familiesOf, ltxWorkflow, type WorkflowName } from '../../src/generation/comfyui/workflows/ltx/catalogue.ts';
import type { Rendition, SliceJob } from '../../src/generation/generator.ts';
import { ComfyStandIn, type StandInOptions } from '../../bench/support/comfyui/comfyui-stand-in.ts';
import { wholeRenditions } from './whole-renditions.ts';

export const FRAMES = 17;
export const SIZE = { widthPx: 256, heightPx: 256 };
/** The least of LTX-2.3 and 2.5, for workflows that 2.0 does not have. */
const LARGER = { widthPx: 384, heightPx: 384 };
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
  const size = familiesOf(workflow).includes('2.0') ? SIZE : LARGER;
  const parameters = { ...readParameters(undefined), ...size, frames: FRAMES };
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
