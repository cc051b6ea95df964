/**
 * What the inference process does. Only this process loads onnxruntime, because `run()` blocks the event loop it is
 * called on. It loads parts and runs the one it is told to; the pipeline knows what parts mean. Before each batch it
 * reads what has come meanwhile, so that a batch can be withdrawn until it starts.
 */
import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { Tensor as OrtTensor, type InferenceSession } from 'onnxruntime-node';
import { GlimpseError, toGlimpseError } from '../../../errors.ts';
import { canJoin, itemsOf, joinFeeds, splitOutputs } from './batching.ts';
import { LoadedPart } from '../runtime/loaded-part.ts';
import { packError } from '../pack/pack-error.ts';
import type { PartState } from '../runtime/part-memory.ts';
import { SharedTensors } from './shared-tensors.ts';
import { ANY } from './tensor.ts';
import type { Tensor, Tensors, TensorShape } from './tensor.ts';
import { FEEDS_FD, OUTPUTS_FD } from './worker-protocol.ts';
import type {
  FromProcess,
  FromWorker,
  MovedPart,
  StoredFeeds,
  ToProcess,
  ToWorker,
  WorkerPart,
  WorkerSetup,
} from './worker-protocol.ts';

const loaded = new Map<string, { part: WorkerPart; held: LoadedPart }>();
const sharedFeeds = new SharedTensors(FEEDS_FD);
const sharedOutputs = new SharedTensors(OUTPUTS_FD);

/** Resolves when it has left. */
const answer = (message: FromProcess): Promise<unknown> =>
  new Promise((sent) => process.send?.(message, undefined, undefined, sent));

async function move(name: string, to: PartState): Promise<MovedPart> {
  const { part, held } = required(name);
  const startedMs = performance.now();
  await held.move(to);
  if (to !== 'resident') for (const memory of [arrays, latest]) memory.clear();
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

/** Outputs by batch that the service does not have yet, for the batches after them. */
const kept = new Map<number, readonly Tensors[]>();

/**
 * Arrays that feeds are read into, by their use: a run has done with them when it has ended. New memory for each feed
 * would cost more than reading it.
 */
const arrays = new Map<string, Tensor['data']>();

/** @param run number within the batch */
function wholeFeeds(part: string, posted: StoredFeeds, run: number): Tensors {
  return Object.fromEntries(
    Object.entries(posted).map(([name, feed]) => [name, tensorOf(feed, `${part} ${name} ${run}`)]),
  );
}

function tensorOf(feed: StoredFeeds[string], use: string): Tensor {
  if (!('ofBatch' in feed)) {
    const known = arrays.get(use);
    const tensor = sharedFeeds.read(feed, known?.length === feed.length ? known : undefined);
    arrays.set(use, tensor.data);
    return tensor;
  }
  const tensor = kept.get(feed.ofBatch)?.[feed.index]?.[feed.output];
  if (tensor) return tensor;
  throw new GlimpseError('GENERATOR_DOWN', { message: 'The run that this one goes on from has failed.' });
}

/** Joins and splits here, so that the copies are garbage in this process's heap. What cannot be joined runs in turn. */
async function runAll(
  name: string,
  runs: readonly Tensors[],
  keeps: boolean,
): Promise<{ outputs: Tensors[]; computeMs: number }> {
  const { part } = required(name);
  const [first, ...others] = runs;
  if (first !== undefined && others.length > 0 && others.every((other) => canJoin(part, first, other))) {
    const { outputs, computeMs } = await run(name, joinFeeds(part, runs), false);
    const items = runs.map((feeds) => itemsOf(part, feeds));
    return { outputs: splitOutputs(part, outputs, items), computeMs };
  }
  const all: Tensors[] = [];
  let computedMs = 0;
  for (const feeds of runs) {
    const { outputs, computeMs } = await run(name, feeds, keeps || others.length > 0);
    all.push(outputs);
    computedMs += computeMs;
  }
  return { outputs: all, computeMs: computedMs };
}

/** Outputs of each part's latest run, which the next one of the same shapes writes into. */
const latest = new Map<string, { shapes: string; results: InferenceSession.OnnxValueMapType }>();

/** @param keeps false if the outputs are read before the part runs again */
async function run(name: string, feeds: Tensors, keeps: boolean): Promise<{ outputs: Tensors; computeMs: number }> {
  const { part, held } = required(name);
  if (held.session === undefined) throw new GlimpseError('INTERNAL', { message: `no part ${name} is loaded` });
  const inputs = Object.entries(feeds).map(([input, tensor]) => [input, ortTensor(tensor)]);
  const shapes = Object.values(feeds)
    .map(({ shape }) => shape.join('x'))
    .join();
  // Their shapes must follow from those of the inputs; and onnxruntime cannot write what `ortTensor` says.
  const isReused = !keeps && part.outputs.every(({ type, shape }) => type !== 'float16' && !shape.includes(ANY));
  const before = isReused ? latest.get(name) : undefined;
  const startedMs = performance.now();
  const results = await held.session.run(
    Object.fromEntries(inputs) as Record<string, OrtTensor>,
    before?.shapes === shapes ? before.results : {},
  );
  const computeMs = performance.now() - startedMs;
  if (isReused) latest.set(name, { shapes, results });
  const outputs = Object.entries(results).map(([output, { type, data, dims }]) => [
    output,
    { type, data, shape: dims },
  ]);
  return { outputs: Object.fromEntries(outputs) as Tensors, computeMs };
}

async function onRun(message: Extract<ToWorker, { type: 'run' }>): Promise<void> {
  const { id, part, keeps, settledId } = message;
  for (const old of kept.keys()) if (old <= settledId) kept.delete(old);
  sharedOutputs.free((old) => old <= settledId);
  try {
    const { outputs, computeMs } = await runAll(
      part,
      message.feeds.map((feeds, index) => wholeFeeds(part, feeds, index)),
      keeps,
    );
    if (keeps) kept.set(id, outputs);
    void answer({ type: 'result', id, outputs: outputs.map((own) => sharedOutputs.write(id, own)), computeMs });
  } catch (error) {
    const { message: text } = error as Error;
    void answer({ type: 'failed', id, code: 'GENERATOR_DOWN', message: text, details: { part } });
  }
}

async function onMove(message: Extract<ToWorker, { type: 'move' }>): Promise<void> {
  try {
    void answer({ type: 'moved', id: message.id, ...(await move(message.part, message.to)) });
  } catch (error) {
    void answer({ type: 'failed', id: message.id, ...loadFailure(error) });
  }
}

function loadFailure(error: unknown): Pick<Extract<FromWorker, { type: 'failed' }>, 'code' | 'message' | 'details'> {
  const { code, message, details } = toGlimpseError(error, 'MODEL_INVALID');
  return { code: code === 'PROVIDER_MISSING' ? code : 'MODEL_INVALID', message, details };
}

async function close(): Promise<void> {
  for (const { held } of loaded.values()) await held.move('cold');
}

async function start({ parts, threads, provider = 'cpu', load }: WorkerSetup): Promise<void> {
  try {
    for (const part of parts) loaded.set(part.name, { part, held: new LoadedPart({ part, threads, provider }) });
    const moved: MovedPart[] = [];
    for (const name of load ?? loaded.keys()) moved.push(await move(name, 'resident'));
    void answer({ type: 'ready', moved });
  } catch (error) {
    await answer({ type: 'failed', ...loadFailure(error) });
    requests.unshift({ type: 'close' });
  }
}

/** Requests in order; bounded by the service. */
const requests: Exclude<ToProcess, { type: 'withdraw' | 'memory' }>[] = [];

function take(message: ToProcess): void {
  if (message.type === 'memory') void answer({ type: 'memory', residentBytes: process.memoryUsage.rss() });
  else if (message.type === 'withdraw') withdraw(message.id);
  else requests.push(message);
}

function withdraw(id: number): void {
  const index = requests.findIndex((request) => request.type === 'run' && request.id === id);
  if (index < 0) return;
  requests.splice(index, 1);
  void answer({ type: 'withdrawn', id });
}

function handle(message: (typeof requests)[number]): Promise<void> {
  switch (message.type) {
    case 'start':
      return start(message.setup);
    case 'run':
      return onRun(message);
    case 'move':
      return onMove(message);
    default:
      return close();
  }
}

/** Until the service says `close`, or the process cannot start. One thing after another: no part moves while it runs. */
export async function serve(): Promise<void> {
  let wake = (): void => {};
  process.on('message', (message: ToProcess) => {
    take(message);
    wake();
  });
  for (let type: ToProcess['type'] | undefined; type !== 'close';) {
    const request = requests.shift();
    type = request?.type;
    if (request) await handle(request);
    else await new Promise<void>((resolve) => (wake = resolve));
    // Reads what has come during a run.
    await nextTurnOfLoop();
  }
}
