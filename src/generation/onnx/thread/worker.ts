/**
 * The inference thread. Only this thread loads onnxruntime, because `run()` blocks its event loop. It loads parts and
 * runs the one it is told to; the pipeline knows what parts mean. It ends by itself after `close`, because
 * `worker.terminate()` during `run()` aborts the whole process.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Tensor as OrtTensor, type InferenceSession } from 'onnxruntime-node';
import { GlimpseError, toGlimpseError } from '../../../errors.ts';
import { itemsOf, joinFeeds, splitOutputs } from './batching.ts';
import { LoadedPart } from '../runtime/loaded-part.ts';
import { packError } from '../pack/pack-error.ts';
import type { PartState } from '../runtime/part-memory.ts';
import { RunClaims } from './run-claims.ts';
import { ANY, buffersOf } from './tensor.ts';
import type { Tensor, Tensors, TensorShape } from './tensor.ts';
import type { FromWorker, MovedPart, PostedFeeds, ToWorker, WorkerPart, WorkerSetup } from './worker-protocol.ts';

const port = parentPort;
if (port === null) throw new GlimpseError('INTERNAL', { message: 'worker.ts runs only as a worker thread' });
const { parts, threads, provider = 'cpu', load = parts.map(({ name }) => name), claims } = workerData as WorkerSetup;
const runClaims = new RunClaims(claims);
const loaded = new Map(parts.map((part) => [part.name, { part, held: new LoadedPart({ part, threads, provider }) }]));

const answer = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

async function move(name: string, to: PartState): Promise<MovedPart> {
  const { part, held } = required(name);
  const startedMs = performance.now();
  await held.move(to);
  if (held.session) checkPart(part, held.session);
  return { part: name, state: held.state, bytes: held.bytes, ms: performance.now() - startedMs };
}

function required(name: string): { part: WorkerPart; held: LoadedPart } {
  const found = loaded.get(name);
  if (!found) throw new GlimpseError('INTERNAL', { message: `no part ${name}` });
  return found;
}

function checkPart({ name, inputs, outputs }: WorkerPart, session: InferenceSession): void {
  checkTensors(name, 'inputs', inputs, session.inputMetadata);
  checkTensors(name, 'outputs', outputs, session.outputMetadata);
}

/** Checks the model's names, types and fixed dimensions against the manifest; any dimension may be open. */
function checkTensors(
  part: string,
  side: string,
  expected: readonly TensorShape[],
  found: readonly InferenceSession.ValueMetadata[],
): void {
  const names = expected.map(({ name }) => name).toSorted();
  const foundNames = found.map(({ name }) => name).toSorted();
  if (names.join() !== foundNames.join()) throw packError(part, `${side} ${names.join()}`, foundNames.join());
  for (const { name, type, shape } of expected) {
    const actual = found.find((candidate) => candidate.name === name);
    if (actual?.isTensor !== true || actual.type !== type) throw packError(part, `${name} ${type}`, 'another type');
    const fits = actual.shape.every(
      (size, axis) => typeof size === 'string' || shape[axis] === ANY || size === shape[axis],
    );
    if (!fits) throw packError(part, `${name} [${shape.join()}]`, `[${actual.shape.join()}]`);
  }
}

/**
 * onnxruntime-node 1.30 gives 16-bit floats as Float16Array, but reads nothing from one ("not enough space: expected
 * 2048, got 0"). Passed as bits, which its own class does not allow, they arrive.
 */
function ortTensor({ type, data, shape }: Tensor): OrtTensor {
  if (type !== 'float16') return new OrtTensor(type, data, shape);
  const bits = new Uint16Array(data.buffer, data.byteOffset, data.length);
  return { type, dims: shape, location: 'cpu', data: bits } as unknown as OrtTensor;
}

/** Outputs of the latest run, for the next one to use. */
let kept: { id: number; outputs: Tensors } | undefined;

function wholeFeeds(posted: PostedFeeds): Tensors {
  return Object.fromEntries(Object.entries(posted).map(([name, feed]) => [name, tensorOf(feed)]));
}

function tensorOf(feed: PostedFeeds[string]): Tensor {
  if (!('ofRun' in feed)) return feed;
  const tensor = kept?.id === feed.ofRun ? kept.outputs[feed.output] : undefined;
  if (tensor) return tensor;
  throw new GlimpseError('GENERATOR_DOWN', { message: 'The run that this one goes on from has failed.' });
}

/** Joins and splits here, so that the copies are garbage in this thread's heap, not in the sender's. */
async function runAll(name: string, runs: readonly Tensors[]): Promise<{ outputs: Tensors[]; computeMs: number }> {
  const { part, held } = required(name);
  const [only] = runs;
  if (only !== undefined && runs.length === 1) {
    const { outputs, computeMs } = await run(name, held.session, only);
    return { outputs: [outputs], computeMs };
  }
  const { outputs, computeMs } = await run(name, held.session, joinFeeds(part, runs));
  const items = runs.map((feeds) => itemsOf(part, feeds));
  return { outputs: splitOutputs(part, outputs, items), computeMs };
}

async function run(
  part: string,
  session: InferenceSession | undefined,
  feeds: Tensors,
): Promise<{ outputs: Tensors; computeMs: number }> {
  if (session === undefined) throw new GlimpseError('INTERNAL', { message: `no part ${part} is loaded` });
  const inputs = Object.entries(feeds).map(([name, tensor]) => [name, ortTensor(tensor)]);
  const startedMs = performance.now();
  const results = await session.run(Object.fromEntries(inputs) as Record<string, OrtTensor>);
  const computeMs = performance.now() - startedMs;
  const outputs = Object.entries(results).map(([name, { type, data, dims }]) => [name, { type, data, shape: dims }]);
  return { outputs: Object.fromEntries(outputs) as Tensors, computeMs };
}

async function onRun(message: Extract<ToWorker, { type: 'run' }>): Promise<void> {
  const { id, part, keeps, claim } = message;
  if (claim !== undefined && !runClaims.take(claim, id)) return;
  try {
    const { outputs, computeMs } = await runAll(part, message.feeds.map(wholeFeeds));
    const [first] = outputs;
    if (keeps && first) kept = { id, outputs: first };
    answer({ type: 'result', id, outputs, computeMs }, keeps ? [] : outputs.flatMap(buffersOf));
  } catch (error) {
    const { message: text } = error as Error;
    answer({ type: 'failed', id, code: 'GENERATOR_DOWN', message: text, details: { part } });
  }
}

async function onMove(message: Extract<ToWorker, { type: 'move' }>): Promise<void> {
  try {
    answer({ type: 'moved', id: message.id, ...(await move(message.part, message.to)) });
  } catch (error) {
    answer({ type: 'failed', id: message.id, ...loadFailure(error) });
  }
}

function loadFailure(error: unknown): Pick<Extract<FromWorker, { type: 'failed' }>, 'code' | 'message' | 'details'> {
  const { code, message, details } = toGlimpseError(error, 'MODEL_INVALID');
  return { code: code === 'PROVIDER_MISSING' ? code : 'MODEL_INVALID', message, details };
}

async function close(): Promise<void> {
  for (const { held } of loaded.values()) await held.move('cold');
  port?.close();
}

async function start(): Promise<void> {
  try {
    const moved: MovedPart[] = [];
    for (const name of load) moved.push(await move(name, 'resident'));
    answer({ type: 'ready', moved });
  } catch (error) {
    answer({ type: 'failed', ...loadFailure(error) });
    await close();
  }
}

function handle(message: ToWorker): Promise<void> {
  if (message.type === 'run') return onRun(message);
  return message.type === 'move' ? onMove(message) : close();
}

// One thing after another: releasing a session that is about to run would be an error.
let work = start();
port.on('message', (message: ToWorker) => {
  // Read at once: an unreadable message ends the thread, as any other bug does.
  const { type } = message;
  work = work.then(() => (type === 'close' ? close() : handle(message)));
});
