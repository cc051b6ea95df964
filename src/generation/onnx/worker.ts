/**
 * The inference thread, and the only file that loads onnxruntime: `run()` blocks the event loop it is called on. Dumb on
 * purpose: it loads parts and runs the part it is told to; what the parts mean is the pipeline's business.
 * It ends by itself after `close`, because `worker.terminate()` during `run()` aborts the whole process.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { GlimpseError, toGlimpseError } from '../../errors.ts';
import type { TensorSpec } from './model-pack.ts';
import { packError } from './pack-error.ts';
import { buffersOf } from './tensor.ts';
import type { Tensors } from './tensor.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-protocol.ts';

type Part = WorkerSetup['parts'][number];

const port = parentPort;
if (port === null) throw new GlimpseError('INTERNAL', { message: 'worker.ts runs only as a worker thread' });
const { parts, threads } = workerData as WorkerSetup;
const sessions = new Map<string, InferenceSession>();

const answer = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

async function load(part: Part): Promise<void> {
  const session = await InferenceSession.create(part.path, {
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // Spinning threads starve the encoder on a small machine: two of them were slower than one.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  }).catch((cause: unknown) => {
    throw packError(part.name, 'an ONNX model', `an unreadable file (${(cause as Error).message})`, cause);
  });
  checkTensors(part.name, 'inputs', part.inputs, session.inputMetadata);
  checkTensors(part.name, 'outputs', part.outputs, session.outputMetadata);
  sessions.set(part.name, session);
}

/** The model's own names, types and fixed dimensions against the manifest's; exporters may leave any dimension open. */
function checkTensors(
  part: string,
  side: string,
  expected: readonly TensorSpec[],
  found: readonly InferenceSession.ValueMetadata[],
): void {
  const names = expected.map(({ name }) => name).toSorted();
  const foundNames = found.map(({ name }) => name).toSorted();
  if (names.join() !== foundNames.join()) throw packError(part, `${side} ${names.join()}`, foundNames.join());
  for (const { name, type, shape } of expected) {
    const actual = found.find((candidate) => candidate.name === name);
    if (actual?.isTensor !== true || actual.type !== type) throw packError(part, `${name} ${type}`, 'another type');
    const fits = actual.shape.every((size, axis) => typeof size === 'string' || size === shape[axis]);
    if (!fits) throw packError(part, `${name} [${shape.join()}]`, `[${actual.shape.join()}]`);
  }
}

async function run(part: string, feeds: Tensors): Promise<{ outputs: Tensors; computeMs: number }> {
  const session = sessions.get(part);
  if (session === undefined) throw new GlimpseError('INTERNAL', { message: `no part ${part} is loaded` });
  const inputs = Object.entries(feeds).map(([name, { type, data, shape }]) => [name, new OrtTensor(type, data, shape)]);
  const startedMs = performance.now();
  const results = await session.run(Object.fromEntries(inputs) as Record<string, OrtTensor>);
  const computeMs = performance.now() - startedMs;
  const outputs = Object.entries(results).map(([name, { type, data, dims }]) => [name, { type, data, shape: dims }]);
  return { outputs: Object.fromEntries(outputs) as Tensors, computeMs };
}

async function onRun(message: Extract<ToWorker, { type: 'run' }>): Promise<void> {
  try {
    const { outputs, computeMs } = await run(message.part, message.feeds);
    answer({ type: 'result', id: message.id, outputs, computeMs }, buffersOf(outputs));
  } catch (error) {
    const { message: text } = error as Error;
    answer({ type: 'failed', id: message.id, code: 'GENERATOR_DOWN', message: text, details: { part: message.part } });
  }
}

async function close(): Promise<void> {
  for (const session of sessions.values()) await session.release();
  port?.close();
}

async function start(): Promise<void> {
  try {
    for (const part of parts) await load(part);
    answer({ type: 'ready' });
  } catch (error) {
    const { message, details } = toGlimpseError(error, 'MODEL_INVALID');
    answer({ type: 'failed', code: 'MODEL_INVALID', message, details });
    await close();
  }
}

// One thing after another: releasing a session that is about to run would be an error.
let work = start();
port.on('message', (message: ToWorker) => {
  work = work.then(() => (message.type === 'run' ? onRun(message) : close()));
});
