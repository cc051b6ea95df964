/**
 * Decodes encoded pictures to I420 off the main thread, on two threads: a batch of a video comes faster than one of them
 * decodes. Each starts with `open`, or with the first picture that wants it; when one dies, what waits there rejects with GENERATOR_DOWN
 * and the next picture starts another. Results may come out of order; whoever asks puts them in theirs.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { GlimpseError } from '../../errors.ts';
import { hasOwnMemory } from './free-memory.ts';
import type { I420Frame } from '../../picture/frame.ts';
import { kept } from '../../lifetime/kept-promise.ts';

export type ToImageWorker =
  | {
      type: 'decode';
      id: number;
      image: Uint8Array;
      format: 'jpeg' | 'png';
      /** Size of the result. */
      widthPx: number;
      heightPx: number;
    }
  | { type: 'close' };

export type FromImageWorker = { id: number; frame: I420Frame } | { id: number; problem: string } | 'open';

export interface ImageWorkerData {
  /** `auto`: node-av, and the ffmpeg program where that does not load. */
  program: 'auto' | 'ffmpeg';
}

export interface ImageDecoderOptions extends Partial<ImageWorkerData> {
  /** Default: two, or one where there is one core. */
  threads?: number;
}

export interface DecodeOptions {
  format: 'jpeg' | 'png';
  /** Size of the result, both even; pictures of another size are scaled. */
  widthPx: number;
  heightPx: number;
  /** The caller needs the picture's bytes no more: where their memory is their own they are moved, not copied. */
  handOver?: boolean;
}

const THREADS_MAX = 2;

export class ImageDecoder implements AsyncDisposable {
  readonly #threads: DecodingThread[];
  #closed: Promise<void> | undefined;

  constructor({ threads = Math.min(THREADS_MAX, availableParallelism()), program = 'auto' }: ImageDecoderOptions = {}) {
    this.#threads = Array.from({ length: threads }, () => new DecodingThread({ program }));
  }

  /** Pictures that wait or are being decoded. The caller bounds them. */
  get pending(): number {
    return this.#threads.reduce((sum, { pending }) => sum + pending, 0);
  }

  /** Starts the threads now, so that the first picture does not wait for them. Never rejects. */
  async open(): Promise<void> {
    if (this.#closed === undefined) await Promise.all(this.#threads.map((thread) => thread.open()));
  }

  /** @throws GlimpseError GENERATOR_DOWN when they are no picture. */
  decode(image: Uint8Array, options: DecodeOptions): Promise<I420Frame> {
    const [idlest] = this.#threads.toSorted((a, b) => a.pending - b.pending);
    if (this.#closed !== undefined || !idlest) return Promise.reject(down('The decoder is closed.'));
    return idlest.decode(image, options);
  }

  /** Idempotent, never throws; what waits is still decoded. */
  close(): Promise<void> {
    this.#closed ??= kept(Promise.all(this.#threads.map((thread) => thread.close())).then(() => {}));
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

interface Running {
  worker: Worker;
  /** Ready for pictures, or ended. */
  opened: Promise<void>;
  exited: Promise<void>;
}

class DecodingThread {
  readonly #data: ImageWorkerData;
  readonly #pending = new Map<number, PromiseWithResolvers<I420Frame>>();
  #running: Running | undefined;
  #nextId = 0;

  constructor(data: ImageWorkerData) {
    this.#data = data;
  }

  get pending(): number {
    return this.#pending.size;
  }

  open(): Promise<void> {
    this.#running ??= this.#start();
    return this.#running.opened;
  }

  decode(image: Uint8Array, { handOver = false, ...options }: DecodeOptions): Promise<I420Frame> {
    this.#running ??= this.#start();
    const id = this.#nextId++;
    const pending = Promise.withResolvers<I420Frame>();
    this.#pending.set(id, pending);
    const own = handOver && isLastOfItsMemory(image) ? image : new Uint8Array(image);
    this.#running.worker.postMessage({ type: 'decode', id, image: own, ...options } satisfies ToImageWorker, [
      own.buffer as ArrayBuffer,
    ]);
    return pending.promise;
  }

  async close(): Promise<void> {
    const running = this.#running;
    running?.worker.postMessage({ type: 'close' } satisfies ToImageWorker, []);
    await running?.exited;
  }

  #start(): Running {
    const worker = new Worker(workerUrl(), { workerData: this.#data });
    const opened = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<void>();
    let cause: unknown;
    worker.on('message', (message: FromImageWorker) => {
      if (message === 'open') return opened.resolve();
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if ('frame' in message) pending?.resolve(message.frame);
      else pending?.reject(down(message.problem));
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      this.#running = undefined;
      for (const pending of this.#pending.values()) pending.reject(down('The decoding thread has ended.', cause));
      this.#pending.clear();
      opened.resolve();
      exited.resolve();
    });
    return { worker, opened: opened.promise, exited: exited.promise };
  }
}

/** A received picture is a view of its message, which may be a view of what was read with it: a later one, behind it. */
const isLastOfItsMemory = (image: Uint8Array): boolean =>
  hasOwnMemory(image) && image.byteOffset + image.byteLength === image.buffer.byteLength;

/** Run as it stands this file is TypeScript, compiled it is JavaScript; its neighbour is of the same kind. */
const workerUrl = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './image-worker.ts' : './image-worker.js', import.meta.url);

const down = (message: string, cause?: unknown): GlimpseError => new GlimpseError('GENERATOR_DOWN', { message, cause });
