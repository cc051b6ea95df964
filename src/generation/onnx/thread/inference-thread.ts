/**
 * One thread that runs the parts of a model. A hanging thread cannot be terminated, because terminating it during a run
 * aborts the process. It is abandoned: its answers are ignored, and it ends if it ever answers.
 */
import { Worker } from 'node:worker_threads';
import { GlimpseError } from '../../../errors.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-protocol.ts';

interface InferenceThreadEvents {
  /** Messages of the thread, until it is abandoned. */
  onMessage(message: FromWorker): void;
  /** It has ended, for any reason, abandoned or not. */
  onExit(error: GlimpseError): void;
}

export class InferenceThread {
  readonly #worker: Worker;
  readonly #events: InferenceThreadEvents;
  readonly #ready = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #abandoned = false;

  constructor(setup: WorkerSetup, events: InferenceThreadEvents) {
    this.#events = events;
    refuseTelemetry();
    this.#worker = new Worker(workerUrl(), { workerData: setup });
    // Callers that await `ready` see the failure; without one it must not end the process.
    this.#ready.promise.catch(() => {});
    let cause: unknown;
    this.#worker.on('message', (message: FromWorker) => this.#onMessage(message));
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#worker.on('exit', () => {
      const why = isNotLoaded(cause) ? NOT_LOADED : 'The inference thread has ended.';
      const error = new GlimpseError('GENERATOR_DOWN', { message: why, cause });
      this.#ready.reject(error);
      this.#events.onExit(error);
      this.#exited.resolve();
    });
  }

  /** Resolves once all parts of the setup are loaded. @throws GlimpseError MODEL_INVALID, GENERATOR_DOWN */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when it has ended or was abandoned. */
  get exited(): Promise<void> {
    return this.#exited.promise;
  }

  /** Copied, not transferred: if the thread dies, the run is repeated. */
  post(message: ToWorker): void {
    this.#worker.postMessage(message, []);
  }

  /** Stops waiting for the thread; it no longer keeps the process alive. */
  abandon(): void {
    this.#abandoned = true;
    this.post({ type: 'close' });
    this.#worker.unref();
    this.#exited.resolve();
  }

  #onMessage(message: FromWorker): void {
    if (this.#abandoned) return;
    this.#events.onMessage(message);
    if (message.type === 'ready') this.#ready.resolve();
    if (message.type === 'failed' && message.id === undefined)
      this.#ready.reject(new GlimpseError(message.code, message));
  }
}

const NOT_LOADED = 'ONNX Runtime cannot be loaded: its installation is incomplete, or of another system. Run npm ci.';

/** The native library, or the package around it, is not there. */
const isNotLoaded = (cause: unknown): boolean =>
  cause instanceof Error &&
  'code' in cause &&
  ['ERR_DLOPEN_FAILED', 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(String(cause.code));

/** The worker has the file type of this file: TypeScript from source, JavaScript when compiled. */
const workerUrl = (): URL => new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/**
 * From 1.29 on the official Linux builds of ONNX Runtime report names and hashes of models to Microsoft, keep an
 * identifier in the folder for temporary files and write a log there for every process. The library reads the variable
 * of the process, so it is set before the thread starts: a thread has only a copy.
 */
function refuseTelemetry(): void {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
}
