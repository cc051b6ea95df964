/**
 * Decodes encoded pictures to I420 on two worker threads, since one is slower than the pictures of a video batch
 * arrive. A thread starts with `open` or with its first picture. When it dies, its pending pictures reject with
 * GENERATOR_DOWN and the next picture starts another. Results may come out of order; the caller sorts them.
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
  /** `auto`: node-av, or the ffmpeg program where node-av does not load. */
  program: 'auto' | 'ffmpeg';
}

export interface ImageDecoderOptions extends Partial<ImageWorkerData> {
  /** Default: two, or one on a single core. */
  threads?: number;
}

export interface DecodeOptions {
  format: 'jpeg' | 'png';
  /** Size of the result, both even; pictures of another size are scaled. */
  widthPx: number;
  heightPx: number;
  /** The caller no longer needs the bytes: they are moved instead of copied if they own their memory. */
  handOver?: boolean;
}

const THREADS_MAX = 2;

export class ImageDecoder implements AsyncDisposable {
  readonly #threads: DecodingThread[];
  #closed: Promise<void> | undefined;

  constructor({ threads = Math.min(THREADS_MAX, availableParallelism()), program = 'auto' }: ImageDecoderOptions = {}) {
    this.#threads = Array.from({ length: threads }, () => new DecodingThread({ program }));
  }

  /** Pictures waiting or being decoded; the caller limits them. */
  get pending(): number {
    return this.#threads.reduce((sum, { pending }) => sum + pending, 0);
  }

  /** Starts the threads now, so that the first picture does not wait for them. Never rejects. */
  async open(): Promise<void> {
    if (this.#closed === undefined) await Promise.all(this.#threads.map((thread) => thread.open()));
  }

  /** @throws GlimpseError GENERATOR_DOWN when the bytes are not a picture */
  decode(image: Uint8Array, options: DecodeOptions): Promise<I420Frame> {
    const [idlest] = this.#threads.toSorted((a, b) => a.pending - b.pending);
    if (this.#closed !== undefined || !idlest) return Promise.reject(down('The decoder is closed.'));
    return idlest.decode(image, options);
  }

  /** Idempotent, never throws; pending pictures are still decoded. */
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

/** A received picture is a view of its message, whose memory may also hold later messages. */
const isLastOfItsMemory = (image: Uint8Array): boolean =>
  hasOwnMemory(image) && image.byteOffset + image.byteLength === image.buffer.byteLength;

/** Run from source this file is TypeScript, compiled it is JavaScript; the worker file is of the same kind. */
const workerUrl = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './image-worker.ts' : './image-worker.js', import.meta.url);

const down = (message: string, cause?: unknown): GlimpseError => new GlimpseError('GENERATOR_DOWN', { message, cause });
