/**
 * One part inside the inference process, in one of three states: resident (an onnxruntime session), half-loaded (weights
 * in memory, optimised for this machine, no session), cold (on disk). Optimised weights load in half the time of the
 * file, because folding and fusing are done. Only worker.ts uses this.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import type { PartState } from './part-memory.ts';
import { packError } from '../pack/pack-error.ts';
import { providerError } from '../process/provider-error.ts';
import type { Provider } from '../../../provider.ts';
import type { WorkerPart } from '../process/worker-protocol.ts';

export interface LoadedPartOptions {
  part: WorkerPart;
  /** Threads one operator may use. */
  threads: number;
  provider: Provider;
}

export class LoadedPart {
  readonly #part: WorkerPart;
  readonly #options: InferenceSession.SessionOptions;
  readonly #provider: Provider;
  #session: InferenceSession | undefined;
  #weights: Uint8Array | undefined;
  /** Memory that creating the session took. */
  #sessionBytes = 0;

  constructor({ part, threads, provider }: LoadedPartOptions) {
    this.#part = part;
    this.#provider = provider;
    this.#options = {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // Spinning threads starve the encoder on a small machine: two of them were slower than one.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    };
  }

  get session(): InferenceSession | undefined {
    return this.#session;
  }

  get state(): PartState {
    if (this.#session) return 'resident';
    return this.#weights ? 'half-loaded' : 'cold';
  }

  /** Memory it takes now: exact for weights; for a session as measured, at least its weights. */
  get bytes(): number {
    return (this.#session ? this.#sessionBytes : 0) + (this.#weights?.byteLength ?? 0);
  }

  /** @throws GlimpseError MODEL_INVALID if it cannot be loaded, PROVIDER_MISSING if the provider is not there */
  async move(to: PartState): Promise<void> {
    if (to === 'half-loaded' && !this.#part.restsOnDisk) this.#weights ??= await this.#optimised();
    if (to === 'resident') return this.#load();
    const session = this.#session;
    this.#session = undefined;
    await session?.release();
    if (to === 'cold') this.#weights = undefined;
  }

  async #load(): Promise<void> {
    if (this.#session) return;
    const part = this.#part;
    const before = process.memoryUsage.rss();
    const weights = this.#weights;
    const create = weights
      ? InferenceSession.create(weights, { ...this.#options, graphOptimizationLevel: 'disabled' })
      : InferenceSession.create(part.path, this.#options);
    this.#session = await create.catch((cause: unknown) => {
      if (this.#provider !== 'cpu') throw providerError(this.#provider, part.name, cause as Error);
      throw packError(part.name, 'an ONNX model', `an unreadable file (${(cause as Error).message})`, cause);
    });
    // Memory freed elsewhere meanwhile hides what the session took; its weights are the minimum.
    this.#sessionBytes = Math.max(part.residentBytes ?? 0, process.memoryUsage.rss() - before);
    // The session has its own copy, so this one is not needed.
    this.#weights = undefined;
  }

  /** The weights as onnxruntime writes them after optimising; the file itself if it cannot write. */
  async #optimised(): Promise<Uint8Array> {
    const { path } = this.#part;
    const folder = await mkdtemp(join(tmpdir(), 'glimpse-part-')).catch(() => undefined);
    if (folder === undefined) return readFile(path);
    try {
      const optimizedModelFilePath = join(folder, 'part.onnx');
      const session = await InferenceSession.create(path, { ...this.#options, optimizedModelFilePath });
      await session.release();
      return await readFile(optimizedModelFilePath);
    } catch {
      return await readFile(path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
