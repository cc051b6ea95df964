/**
 * A process that runs the parts of a model, as the service sees it. A native call that hangs ends with the process, and
 * all its memory is returned. The process ends by itself when the service does.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { systemClock } from '../../../clock.ts';
import { GlimpseError } from '../../../errors.ts';
import { inferenceEnvironment } from './inference-environment.ts';
import { SharedTensors, type StoredTensors } from './shared-tensors.ts';
import type { Tensors } from './tensor.ts';
import type {
  Answer,
  FromProcess,
  KeptOutput,
  PostedFeeds,
  Request,
  StoredFeeds,
  ToProcess,
  WorkerSetup,
} from './worker-protocol.ts';

interface InferenceProcessEvents {
  onMessage(message: Answer): void;
  /** It has ended, for any reason. */
  onExit(error: GlimpseError): void;
}

/** An idle process ends at once when told to; after this time it is killed. */
const CLOSE_MAX_MS = 5_000;
/** Its tensors are no garbage of V8; the young generation would take 16 MiB more. */
const NODE_FLAGS = ['--max-semi-space-size=1'];

export class InferenceProcess {
  readonly #child: ChildProcess;
  readonly #events: InferenceProcessEvents;
  readonly #ready = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  readonly #feeds = new SharedTensors();
  readonly #outputs = new SharedTensors();
  #residentBytes = Promise.withResolvers<number>();
  #why = 'The inference process has ended.';
  #cause: unknown;

  constructor(setup: WorkerSetup, events: InferenceProcessEvents) {
    this.#events = events;
    this.#child = fork(entry(), {
      execArgv: NODE_FLAGS,
      env: inferenceEnvironment(process.env),
      // Its words are none of the answers that a command prints.
      stdio: ['ignore', 2, 2, 'ipc', this.#feeds.fd, this.#outputs.fd, 'pipe'],
    });
    // Callers that await `ready` see the failure; without one it must not end the process.
    this.#ready.promise.catch(() => {});
    this.#child.on('message', (message: FromProcess) => this.#onMessage(message));
    this.#child.on('error', (error) => {
      this.#cause = error;
      if (this.#child.pid === undefined) this.#onExit();
    });
    for (const pipe of this.#child.stdio) pipe?.on('error', () => {});
    // After the exit, when all its messages have been read.
    this.#child.on('close', () => this.#onExit());
    this.#send({ type: 'start', setup });
  }

  /** Resolves once all parts of the setup are loaded. @throws GlimpseError MODEL_INVALID, GENERATOR_DOWN */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Asks the process; 0 if it has ended. */
  async residentBytes(): Promise<number> {
    this.#send({ type: 'memory' });
    return this.#residentBytes.promise;
  }

  post(request: Request): void {
    if (request.type !== 'run') return this.#send(request);
    const { id, feeds } = request;
    this.#send({ ...request, feeds: feeds.map((posted) => this.#stored(id, posted)) });
  }

  /** Ends it at once, whatever it does. */
  kill(why: string): void {
    this.#why = why;
    this.#child.kill('SIGKILL');
  }

  /** Ends it after what was posted, which must not be a run that may hang. */
  async close(): Promise<void> {
    this.post({ type: 'close' });
    const late = systemClock.after(CLOSE_MAX_MS, () => this.kill('The inference process does not end.'));
    await this.#exited.promise;
    late.close();
  }

  /** What cannot be sent any more is lost with the process. */
  #send(message: ToProcess): void {
    this.#child.send(message, () => {});
  }

  #onMessage(message: FromProcess): void {
    switch (message.type) {
      case 'memory':
        this.#residentBytes.resolve(message.residentBytes);
        this.#residentBytes = Promise.withResolvers();
        return;
      case 'died':
        this.#cause = new Error(message.message);
        if (NOT_LOADED_CODES.includes(message.code ?? '')) this.#why = NOT_LOADED;
        return;
      case 'result': {
        this.#feeds.free((id) => id === message.id);
        const outputs = message.outputs.map((stored) => this.#read(stored));
        return this.#events.onMessage({ ...message, outputs });
      }
      case 'withdrawn':
        this.#feeds.free((id) => id === message.id);
        return this.#events.onMessage(message);
      case 'ready':
        this.#events.onMessage(message);
        return this.#ready.resolve();
      case 'failed':
        this.#feeds.free((id) => id === message.id);
        if (message.id === undefined) this.#ready.reject(new GlimpseError(message.code, message));
        return this.#events.onMessage(message);
      default:
        return this.#events.onMessage(message);
    }
  }

  #stored(id: number, posted: PostedFeeds): StoredFeeds {
    const kept = Object.entries(posted).filter((entry): entry is [string, KeptOutput] => 'ofBatch' in entry[1]);
    const tensors = Object.entries(posted).filter(([, feed]) => !('ofBatch' in feed));
    return { ...this.#feeds.write(id, Object.fromEntries(tensors) as Tensors), ...Object.fromEntries(kept) };
  }

  #read(stored: StoredTensors): Tensors {
    const tensors = Object.entries(stored).map(([name, place]) => [name, this.#outputs.read(place)]);
    return Object.fromEntries(tensors) as Tensors;
  }

  #onExit(): void {
    this.#feeds.close();
    this.#outputs.close();
    const error = new GlimpseError('GENERATOR_DOWN', { message: this.#why, cause: this.#cause });
    this.#ready.reject(error);
    this.#residentBytes.resolve(0);
    this.#events.onExit(error);
    this.#exited.resolve();
  }
}

const NOT_LOADED = 'ONNX Runtime cannot be loaded: its installation is incomplete, or of another system. Run npm ci.';

/** The native library, or the package around it, is not there. */
const NOT_LOADED_CODES = ['ERR_DLOPEN_FAILED', 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/** It has the file type of this file: TypeScript from source, JavaScript when compiled. */
const entry = (): URL => new URL(import.meta.url.endsWith('.ts') ? './entry.ts' : './entry.js', import.meta.url);
