/**
 * One prompt at a ComfyUI server, followed by events that may get lost. Only events and pictures that name this prompt
 * count, so pictures of other prompts never get through. After some seconds of silence it asks the server's history and
 * queue for the prompt's state.
 */
import { systemClock, type Timer } from '../../../clock.ts';
import { GlimpseError, toGlimpseError } from '../../../errors.ts';
import type { ImageOrigin } from './binary-event.ts';
import type { ComfyHttp } from './http.ts';
import { executionError, serverDown } from './server-error.ts';
import { failureOf, type StoredFile, type TextEvent } from './wire.ts';
import { kept } from '../../../lifetime/kept-promise.ts';

export interface NodeImage {
  nodeId: string;
  /** PNG or JPEG; a view of the message it came in. */
  image: Uint8Array;
}

export interface PromptListener {
  /**
   * Pictures of one node arrive in the order of its batch.
   * @returns settles when the picture is no longer held: until then it counts towards the socket's limit
   */
  onImage?(image: NodeImage): Promise<unknown> | void;
  /** Prompts ahead of this one at the server, from all clients; 0 when it runs. */
  onQueue?(position: number): void;
  /** Steps of a node. */
  onProgress?(progress: { nodeId: string; value: number; max: number }): void;
  /** A node has stored sound. */
  onSound?(sound: { nodeId: string; file: StoredFile }): void;
  /** Events may have been lost: any of a node's pictures may be missing. */
  onGap?(): void;
}

export interface PromptRunOptions extends PromptListener {
  promptId: string;
  http: ComfyHttp;
  /** Silence after which the server is asked, ms. */
  silenceMs: number;
}

export class PromptRun {
  readonly promptId: string;
  /** Settles when the prompt has ended: rejects with GENERATOR_DOWN or ABORTED. */
  readonly done: Promise<void>;
  /** The server has accepted it: ending it now means withdrawing it there. */
  submitted = false;
  /** Its end was read from the server's history: the event did not come, on a connection that was never lost. */
  endedUnheard = false;
  /** It has left the server's queue. */
  started = false;
  readonly #options: PromptRunOptions;
  readonly #settled = Promise.withResolvers<void>();
  #watchdog: Timer | undefined;
  #ended = false;
  #reopened = false;

  constructor(options: PromptRunOptions) {
    this.promptId = options.promptId;
    this.#options = options;
    this.done = kept(this.#settled.promise);
    this.#listen();
  }

  get ended(): boolean {
    return this.#ended;
  }

  onText(event: TextEvent): void {
    if (this.#ended || !('prompt_id' in event.data) || event.data.prompt_id !== this.promptId) return;
    this.#listen();
    switch (event.type) {
      case 'execution_start':
        this.started = true;
        this.#options.onQueue?.(0);
        break;
      case 'progress':
        this.#options.onProgress?.({ nodeId: event.data.node, value: event.data.value, max: event.data.max });
        break;
      case 'executed':
        this.#onOutput(event.data.node, event.data.output?.audio);
        break;
      case 'execution_success':
        this.end();
        break;
      case 'executing':
        // Servers older than `execution_success` report a prompt's end this way.
        if (event.data.node === null) this.end();
        break;
      case 'execution_error':
      case 'execution_interrupted':
        this.end(errorOf(event));
        break;
      default:
    }
  }

  onImage({ promptId, nodeId }: ImageOrigin, image: Uint8Array): Promise<unknown> | void {
    if (this.#ended || promptId !== this.promptId) return;
    this.#listen();
    return this.#options.onImage?.({ nodeId, image });
  }

  /** The socket was lost and is open again. */
  onReopened(): void {
    if (this.#ended) return;
    this.#reopened = true;
    this.#options.onGap?.();
    void this.#reconcile();
  }

  /** Ends the run from this side. Idempotent. */
  end(error?: GlimpseError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watchdog?.close();
    if (error === undefined) this.#settled.resolve();
    else this.#settled.reject(error);
  }

  #onOutput(nodeId: string, files: readonly StoredFile[] | undefined): void {
    const [file] = files ?? [];
    if (file !== undefined && !this.#ended) this.#options.onSound?.({ nodeId, file });
  }

  #listen(): void {
    this.#watchdog?.close();
    this.#watchdog = systemClock.after(this.#options.silenceMs, () => void this.#reconcile());
  }

  async #reconcile(): Promise<void> {
    this.#watchdog?.close();
    try {
      if (await this.#hasEnded()) return;
      if ((await this.#isQueued()) || (await this.#hasEnded())) {
        if (!this.#ended) this.#listen();
        return;
      }
      this.end(serverDown('ComfyUI no longer knows the prompt; was it restarted?'));
    } catch (error) {
      this.end(toGlimpseError(error, 'GENERATOR_DOWN'));
    }
  }

  async #hasEnded(): Promise<boolean> {
    const entry = await this.#options.http.history(this.promptId);
    if (entry === undefined) return false;
    for (const [nodeId, output] of Object.entries(entry.outputs ?? {})) this.#onOutput(nodeId, output?.audio);
    const failure = failureOf(entry);
    this.endedUnheard = !this.#ended && !this.#reopened;
    this.end(failure === undefined ? undefined : errorOf(failure));
    return true;
  }

  async #isQueued(): Promise<boolean> {
    const { queue_running, queue_pending } = await this.#options.http.queue();
    return [...queue_running, ...queue_pending].some(([, id]) => id === this.promptId);
  }
}

function errorOf(event: TextEvent): GlimpseError {
  if (event.type === 'execution_error') return executionError(event.data);
  return new GlimpseError('GENERATOR_DOWN', { message: 'The prompt was interrupted at the server.' });
}
