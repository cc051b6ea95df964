/**
 * A client of one ComfyUI server: submits graphs, follows each prompt to its end, and interrupts only its own prompts.
 * It knows nothing of models: the workflow defines what a graph means.
 */
import { randomUUID } from 'node:crypto';
import { every, systemClock, type Timer } from '../../../clock.ts';
import { GlimpseError } from '../../../errors.ts';
import type { ListenerErrorHandler } from '../../../events.ts';
import type { BinaryEvent, ImageOrigin } from './binary-event.ts';
import type { Graph } from '../workflows/graph.ts';
import type { PreviewMethod } from '../workflows/workflow.ts';
import { ComfyHttp, type Upload } from './http.ts';
import { PromptRun, type PromptListener } from './prompt-run.ts';
import { serverDown } from './server-error.ts';
import { ComfySocket } from './socket.ts';
import type { ObjectInfo, StoredFile, SystemStats, TextEvent } from './wire.ts';

/** Steps of a large model take seconds, and events can get lost; asking costs one small request. */
const SILENCE_MS = 5_000;
/**
 * A server that loads a model or encodes pictures answers late: a running one on a CPU left a ping unanswered for five
 * seconds. Until then the history tells of lost events.
 */
const PING_MS = 20_000;
/** How often to ask for a waiting prompt's position. */
const QUEUE_POLL_MS = 1_000;
/** Most prompts of this process at one server; each is one slice of one session. */
const RUNS_MAX = 64;

export interface ComfyClientOptions {
  /** Where ComfyUI listens, e.g. `http://127.0.0.1:8188`. */
  url: string;
  /** Silence after which the server is asked about a prompt, ms. */
  silenceMs?: number;
  /** Time between pings, ms: a connection that answers nothing in between is ended. */
  pingMs?: number;
  /** Time limit of an answer, except for uploads, ms. */
  timeoutMs?: number;
  onListenerError?: ListenerErrorHandler | undefined;
}

export interface RunOptions extends PromptListener {
  signal: AbortSignal;
  /** Queued before everything that waits at the server. */
  front?: boolean;
  /** Previews of this prompt. Default: none. */
  previewMethod?: PreviewMethod;
}

export interface RunResult {
  /** The server's history told of the end, not an event: pictures may be missing. */
  unheard: boolean;
}

export class ComfyClient implements AsyncDisposable {
  /** The server sends a prompt's events to this id; a new one after a connection that it has forgotten. */
  #clientId: string = randomUUID();
  readonly #http: ComfyHttp;
  readonly #socket: ComfySocket;
  readonly #silenceMs: number;
  readonly #runs = new Map<string, PromptRun>();
  /** Interrupts in progress; `close` waits for them. */
  readonly #cancelling = new Set<Promise<void>>();
  /** The running node, for pictures that do not name their prompt. */
  #executing: ImageOrigin | undefined;
  #malformed = 0;
  #closed = false;

  /** Connects on first use. @throws GlimpseError CONFIG_INVALID when `url` is not of http or https. */
  constructor({ url, silenceMs = SILENCE_MS, pingMs = PING_MS, timeoutMs, onListenerError }: ComfyClientOptions) {
    const base = baseOf(url);
    this.#silenceMs = silenceMs;
    this.#http = new ComfyHttp(base, timeoutMs);
    this.#socket = new ComfySocket(base, this.#clientId, { wanted: () => this.#runs.size > 0, pingMs });
    if (onListenerError) this.#socket.events.onListenerError = onListenerError;
    this.#socket.events.on('text', (event) => this.#onText(event));
    this.#socket.events.on('binary', (event) => this.#onBinary(event));
    this.#socket.events.on('malformed', () => this.#malformed++);
    this.#socket.events.on('reopened', () => {
      this.#executing = undefined;
      for (const run of this.#runs.values()) run.onReopened();
    });
  }

  /** Dropped messages that were no event of the protocol. */
  get malformedMessages(): number {
    return this.#malformed;
  }

  /**
   * Runs a graph to its end. Aborting removes it from the queue or interrupts it.
   * @throws GlimpseError WORKFLOW_INVALID, GENERATOR_DOWN (details.reason `out-of-memory` or `node-failed`), ABORTED
   */
  async run(
    graph: Graph,
    { signal, front = false, previewMethod = 'none', ...listener }: RunOptions,
  ): Promise<RunResult> {
    if (this.#closed) throw serverDown('The generator is closed.');
    if (signal.aborted) throw new GlimpseError('ABORTED');
    if (this.#runs.size >= RUNS_MAX) throw serverDown('Too many prompts wait at ComfyUI.');
    await this.#socket.open();
    // Registered before the server answers, so that the first events find their prompt.
    let run = this.#begin(randomUUID(), listener);
    const onAbort = (): void => this.#cancel(run);
    let polling: Timer | undefined;
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const submission = { graph, clientId: this.#clientId, promptId: run.promptId, front, previewMethod };
      const promptId = await this.#http.submit(submission);
      if (promptId !== run.promptId) run = this.#renamed(run, promptId, listener);
      run.submitted = true;
      // It ended during submission: only now can it be withdrawn.
      if (run.ended) this.#cancel(run);
      if (listener.onQueue) polling = every(systemClock, QUEUE_POLL_MS, () => void this.#tellPlace(run, listener));
      await run.done;
      if (run.endedUnheard) this.#renew();
      return { unheard: run.endedUnheard };
    } finally {
      polling?.close();
      signal.removeEventListener('abort', onAbort);
      run.end(new GlimpseError('ABORTED'));
      this.#runs.delete(run.promptId);
    }
  }

  /** Prompts ahead of this one at the server; 0 when it runs, undefined when the server no longer has it. */
  async queuePosition(promptId: string, signal?: AbortSignal): Promise<number | undefined> {
    const { queue_running, queue_pending } = await this.#http.queue(signal);
    if (queue_running.some(([, id]) => id === promptId)) return 0;
    const waiting = queue_pending.toSorted(([a], [b]) => a - b).findIndex(([, id]) => id === promptId);
    return waiting < 0 ? undefined : waiting + queue_running.length;
  }

  /** Prompts of all clients that run or wait at the server. */
  async queueLength(signal?: AbortSignal): Promise<number> {
    const { queue_running, queue_pending } = await this.#http.queue(signal);
    return queue_running.length + queue_pending.length;
  }

  /** Ids of this client's prompts at the server. */
  get promptIds(): string[] {
    return [...this.#runs.keys()];
  }

  /** Uploads an input; returns the name by which a graph refers to it. */
  upload(upload: Upload, signal?: AbortSignal): Promise<string> {
    return this.#http.upload(upload, signal);
  }

  /** A file that a node stored. */
  view(file: StoredFile, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#http.view(file, signal);
  }

  systemStats(signal?: AbortSignal): Promise<SystemStats> {
    return this.#http.systemStats(signal);
  }

  objectInfo(signal?: AbortSignal): Promise<ObjectInfo> {
    return this.#http.objectInfo(undefined, signal);
  }

  /** Unloads the server's models before its next prompt. */
  free(signal?: AbortSignal): Promise<void> {
    return this.#http.free(signal);
  }

  /** Interrupts what is still running and ends all connections. Idempotent, never throws. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      for (const run of this.#runs.values()) this.#cancel(run);
    }
    await Promise.all(this.#cancelling);
    this.#socket.close();
    this.#http.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #begin(promptId: string, listener: PromptListener): PromptRun {
    const run = new PromptRun({ ...listener, promptId, http: this.#http, silenceMs: this.#silenceMs });
    this.#runs.set(promptId, run);
    return run;
  }

  /** Servers without client-chosen ids use their own. */
  #renamed(run: PromptRun, promptId: string, listener: PromptListener): PromptRun {
    const renamed = this.#begin(promptId, listener);
    if (run.ended) renamed.end(new GlimpseError('ABORTED'));
    run.end();
    this.#runs.delete(run.promptId);
    return renamed;
  }

  /**
   * A server that ends an old connection late forgets the new one of the same id, and sends its events nowhere. Other
   * prompts of the old id learn of their end from the history.
   */
  #renew(): void {
    this.#clientId = randomUUID();
    this.#executing = undefined;
    this.#socket.renew(this.#clientId);
  }

  #onText(event: TextEvent): void {
    if (event.type === 'executing') {
      const { prompt_id: promptId, node } = event.data;
      this.#executing = promptId === undefined || node === null ? undefined : { promptId, nodeId: node };
    }
    if (!('prompt_id' in event.data) || event.data.prompt_id === undefined) return;
    this.#runs.get(event.data.prompt_id)?.onText(event);
  }

  #onBinary(event: BinaryEvent): void {
    if (event.kind !== 'image') return;
    const origin = event.origin ?? this.#executing;
    if (origin === undefined) return;
    const bytes = event.image.byteLength;
    const held = this.#runs.get(origin.promptId)?.onImage(origin, event.image);
    if (held) void this.#socket.hold(bytes, held);
  }

  /** The server sends no queue positions, so they are polled while the prompt waits. */
  async #tellPlace(run: PromptRun, listener: PromptListener): Promise<void> {
    if (run.started || run.ended) return;
    const position = await this.queuePosition(run.promptId).catch(() => undefined);
    if (position !== undefined && !run.started && !run.ended) listener.onQueue?.(position);
  }

  #cancel(run: PromptRun): void {
    run.end(new GlimpseError('ABORTED'));
    if (!run.submitted) return;
    // A server that does not answer has nothing to interrupt.
    const cancelling = this.#withdraw(run.promptId).catch(() => {});
    this.#cancelling.add(cancelling);
    void cancelling.finally(() => this.#cancelling.delete(cancelling));
  }

  async #withdraw(promptId: string): Promise<void> {
    if (await this.#http.cancel(promptId)) return;
    await this.#http.unqueue(promptId);
    const { queue_running } = await this.#http.queue();
    if (queue_running.some(([, id]) => id === promptId)) await this.#http.interrupt(promptId);
  }
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url.endsWith('/') ? url : `${url}/`) : undefined;
  if (base?.protocol === 'http:' || base?.protocol === 'https:') return base;
  throw new GlimpseError('CONFIG_INVALID', { message: '--comfyui-url needs an address such as http://127.0.0.1:8188' });
}
