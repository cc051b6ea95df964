/** Starts the process of a generator's model, and reports its memory. */
import type { ModelMemory } from '../../engine/model-memory.ts';
import { OnnxRuntime, type RuntimeOptions } from './runtime.ts';
import type { WorkerSetup } from '../process/worker-protocol.ts';

/** Leaves no process behind when it fails. @throws GlimpseError as `OnnxRuntime.start` */
export async function startedRuntime(
  setup: Omit<WorkerSetup, 'load'>,
  options: RuntimeOptions = {},
): Promise<OnnxRuntime> {
  const runtime = new OnnxRuntime(setup, options);
  try {
    await runtime.start();
    return runtime;
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

/** Memory of the parts, and how to reduce it; on a GPU the figures are of host memory. */
export const memoryOf = (runtime: OnnxRuntime): ModelMemory => ({
  report: async () => ({
    parts: runtime.parts,
    budgetBytes: runtime.budgetBytes,
    processBytes: await runtime.processBytes(),
    device: null,
  }),
  activate: () => runtime.activate(),
  rest: (to) => runtime.rest(to),
  setLowMemory: (on) => {
    runtime.lowMemory = on;
  },
});
