/**
 * Decodes encoded pictures to I420 off the main thread, first come first served. The thread starts with the first
 * picture; when it dies, what waits rejects with GENERATOR_DOWN and the next picture starts another.
 */
import { Worker } from 'node:worker_threads';
import { GlimpseError } from '../errors.ts';
import type { I420Frame } from './frame.ts';

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

export type FromImageWorker = { id: number; frame: I420Frame } | { id: number; problem: string };

interface Thread {
  worker: Worker;
  exited: Promise<void>;
}

export interface DecodeOptions {
  format: 'jpeg' | 'png';
  /** Size of the result, both even; pictures of another size are scaled. */
  widthPx: number;
  heightPx: number;
}

export class ImageDecoder implements AsyncDisposable {
  readonly #pending = new Map<number, PromiseWithResolvers<I420Frame>>();
  #thread: Thread | undefined;
  #nextId = 0;
  #closed: Promise<void> | undefined;

  /** Pictures that wait or are being decoded. The caller bounds them. */
  get pending(): number {
    return this.#pending.size;
  }

  /** The picture's bytes are copied. @throws GlimpseError GENERATOR_DOWN when they are no picture. */
  decode(image: Uint8Array, options: DecodeOptions): Promise<I420Frame> {
    if (this.#closed !== undefined) return Promise.reject(down('The decoder is closed.'));
    this.#thread ??= this.#start();
    const id = this.#nextId++;
    const pending = Promise.withResolvers<I420Frame>();
    this.#pending.set(id, pending);
    // A received picture is a view of its message, which may be part of a shared pool.
    const own = new Uint8Array(image);
    const message: ToImageWorker = { type: 'decode', id, image: own, ...options };
    this.#thread.worker.postMessage(message, [own.buffer]);
    return pending.promise;
  }

  /** Idempotent, never throws; what waits is still decoded. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const thread = this.#thread;
    thread?.worker.postMessage({ type: 'close' } satisfies ToImageWorker, []);
    await thread?.exited;
  }

  #start(): Thread {
    const worker = new Worker(workerUrl());
    const exited = Promise.withResolvers<void>();
    let cause: unknown;
    worker.on('message', (message: FromImageWorker) => {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if ('frame' in message) pending?.resolve(message.frame);
      else pending?.reject(down(message.problem));
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      this.#thread = undefined;
      for (const pending of this.#pending.values()) pending.reject(down('The decoding thread has ended.', cause));
      this.#pending.clear();
      exited.resolve();
    });
    return { worker, exited: exited.promise };
  }
}

/** Run as it stands this file is TypeScript, compiled it is JavaScript; its neighbour is of the same kind. */
const workerUrl = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './libav-image-worker.ts' : './libav-image-worker.js', import.meta.url);

const down = (message: string, cause?: unknown): GlimpseError => new GlimpseError('GENERATOR_DOWN', { message, cause });
