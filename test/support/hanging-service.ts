/** A process that has an inference process, which hangs inside the native library. Prints its id; ends by what is done to it. */
import { OnnxRuntime } from '../../src/generation/onnx/runtime/runtime.ts';
import { InferenceProcesses } from '../../bench/support/faults/inference-processes.ts';
import { ENDS, HANGS, hangingPart } from './hanging-part.ts';

const [, , folder = '', what = ''] = process.argv;
using processes = new InferenceProcesses();
await using runtime = new OnnxRuntime({ parts: [hangingPart(folder)], threads: 1 });
await runtime.start();
const interrupted = Promise.withResolvers<void>();
process.once('SIGINT', () => interrupted.resolve());
// A part that never ran has a minute, which is longer than this process lives.
if (what === 'hangs') runtime.run('hanging', HANGS).catch(() => {});
process.stdout.write(`${processes.newest.pid}\n`);
await interrupted.promise;
// What drains still needs pictures.
const { outputs } = await runtime.run('hanging', ENDS);
process.stdout.write(`${String(outputs['result']?.data[0])} ${runtime.restarts}\n`);
