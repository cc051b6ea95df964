/**
 * ComfyUI's HTTP API over one pool of kept-alive connections. Every answer is limited in size and time and checked by a
 * schema. Anything that is not an answer of ComfyUI becomes GENERATOR_DOWN, with a hint what to check.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { GlimpseError } from '../../../errors.ts';
import type { Graph } from '../workflows/graph.ts';
import type { PreviewMethod } from '../workflows/workflow.ts';
import { parsePythonJson } from '../python-json.ts';
import { refusedError, serverDown, withoutUserinfo } from './server-error.ts';
import {
  acceptedSchema,
  historySchema,
  objectInfoSchema,
  queueSchema,
  refusalSchema,
  systemStatsSchema,
  uploadedSchema,
  type HistoryEntry,
  type ObjectInfo,
  type Queue,
  type StoredFile,
  type SystemStats,
} from './wire.ts';

/** Most connections to one server: submit, reconcile, upload and check need no more at once. */
const CONNECTIONS_MAX = 4;
/** The server answers from memory; only an upload may take longer. */
const TIMEOUT_MS = 10_000;
const UPLOAD_TIMEOUT_MS = 60_000;
/** `/object_info` of a server with many extensions is 10 to 20 MB. */
const ANSWER_MAX_BYTES = 64 * 1024 * 1024;

interface Schema<Value> {
  safeParse(value: unknown): { success: true; data: Value } | { success: false };
}

interface Answer {
  status: number;
  body: Buffer;
}

interface Submission {
  graph: Graph;
  clientId: string;
  /** Canonical lower-case UUID. Old servers ignore it and choose their own. */
  promptId: string;
  /** Queued before everything that waits. */
  front: boolean;
  previewMethod: PreviewMethod;
}

export interface Upload {
  name: string;
  data: Uint8Array;
  mediaType: string;
  /** `temp` is emptied when the server starts. */
  folder: 'input' | 'temp';
}

export class ComfyHttp {
  readonly #base: URL;
  readonly #agent: HttpAgent;
  readonly #timeoutMs: number;

  /** `base` includes a path when ComfyUI is behind one. */
  constructor(base: URL, timeoutMs = TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs;
    this.#base = base;
    const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
    this.#agent = base.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /**
   * Queues a prompt; returns the server's id for it.
   * @throws GlimpseError WORKFLOW_INVALID when the server refuses the graph, GENERATOR_DOWN, ABORTED
   */
  async submit({ graph, clientId, promptId, front, previewMethod }: Submission, signal?: AbortSignal): Promise<string> {
    const body = {
      prompt: graph,
      client_id: clientId,
      prompt_id: promptId,
      extra_data: { preview_method: previewMethod },
      ...(front ? { front: true } : {}),
    };
    const answer = await this.#send('POST', 'prompt', json(body), signal);
    if (answer.status === 400) throw refusedError(this.#read(refusalSchema, answer));
    return this.#read(acceptedSchema, this.#successful(answer)).prompt_id;
  }

  async queue(signal?: AbortSignal): Promise<Queue> {
    return this.#read(queueSchema, this.#successful(await this.#send('GET', 'queue', undefined, signal)));
  }

  /** The outcome of a prompt; undefined while it has not ended. */
  async history(promptId: string, signal?: AbortSignal): Promise<HistoryEntry | undefined> {
    const answer = await this.#send('GET', `history/${encodeURIComponent(promptId)}`, undefined, signal);
    return this.#read(historySchema, this.#successful(answer))[promptId];
  }

  /**
   * Ends a prompt, whether it waits or runs, in one step: since ComfyUI 0.25.
   * @returns false where the server does not know the request, or no longer the prompt
   */
  async cancel(promptId: string): Promise<boolean> {
    const path = `api/jobs/${encodeURIComponent(promptId)}/cancel`;
    const { status } = await this.#send('POST', path, json({}));
    return status >= 200 && status < 300;
  }

  /** Removes a prompt from the queue; no effect once it runs. */
  async unqueue(promptId: string): Promise<void> {
    this.#successful(await this.#send('POST', 'queue', json({ delete: [promptId] })));
  }

  /** Only for a prompt that runs: servers without targeted interrupts stop whatever runs. */
  async interrupt(promptId: string): Promise<void> {
    this.#successful(await this.#send('POST', 'interrupt', json({ prompt_id: promptId })));
  }

  /** Asks the server to unload its models and drop its caches before its next prompt. */
  async free(signal?: AbortSignal): Promise<void> {
    this.#successful(await this.#send('POST', 'free', json({ unload_models: true, free_memory: true }), signal));
  }

  async systemStats(signal?: AbortSignal): Promise<SystemStats> {
    return this.#read(systemStatsSchema, this.#successful(await this.#send('GET', 'system_stats', undefined, signal)));
  }

  /** Inputs of the server's nodes, or of one class (empty if the server lacks it). */
  async objectInfo(nodeClass?: string, signal?: AbortSignal): Promise<ObjectInfo> {
    const path = nodeClass === undefined ? 'object_info' : `object_info/${encodeURIComponent(nodeClass)}`;
    return this.#read(objectInfoSchema, this.#successful(await this.#send('GET', path, undefined, signal)));
  }

  /** Uploads an image or a video into a server folder; returns its name for LoadImage and LoadVideo. */
  async upload({ name, data, mediaType, folder }: Upload, signal?: AbortSignal): Promise<string> {
    const form = new FormData();
    form.append('image', new Blob([new Uint8Array(data)], { type: mediaType }), name);
    form.append('type', folder);
    form.append('overwrite', 'true');
    const encoded = new Response(form);
    const body = Buffer.from(await encoded.arrayBuffer());
    const contentType = encoded.headers.get('content-type') ?? '';
    const answer = await this.#send('POST', 'upload/image', { body, contentType }, signal, UPLOAD_TIMEOUT_MS);
    const uploaded = this.#read(uploadedSchema, this.#successful(answer));
    const path = uploaded.subfolder === '' ? uploaded.name : `${uploaded.subfolder}/${uploaded.name}`;
    // The server's loaders expect any folder but `input` in brackets.
    return uploaded.type === 'input' ? path : `${path} [${uploaded.type}]`;
  }

  /** A file that a node stored. @throws GlimpseError GENERATOR_DOWN when it is not there, ABORTED */
  async view({ filename, subfolder, type }: StoredFile, signal?: AbortSignal): Promise<Uint8Array> {
    const query = new URLSearchParams({ filename, subfolder, type });
    return this.#successful(await this.#send('GET', `view?${query}`, undefined, signal)).body;
  }

  /** Ends all connections. Idempotent. */
  close(): void {
    this.#agent.destroy();
  }

  #successful(answer: Answer): Answer {
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw serverDown(`ComfyUI at ${withoutUserinfo(this.#base)} answered with status ${answer.status}.`);
  }

  #read<Value>(schema: Schema<Value>, { body }: Answer): Value {
    const parsed = schema.safeParse(parsePythonJson(body.toString('utf8')));
    if (parsed.success) return parsed.data;
    const message = 'does not answer like ComfyUI. Is the address right, and the version recent?';
    throw serverDown(`${withoutUserinfo(this.#base)} ${message}`);
  }

  #send(
    method: 'GET' | 'POST',
    path: string,
    content?: Content,
    signal?: AbortSignal,
    timeoutMs = this.#timeoutMs,
  ): Promise<Answer> {
    if (signal?.aborted === true) return Promise.reject(new GlimpseError('ABORTED'));
    const limit = AbortSignal.timeout(timeoutMs);
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      headers:
        content === undefined ? {} : { 'content-type': content.contentType, 'content-length': content.body.length },
    };
    const target = new URL(path, this.#base);
    return new Promise<Answer>((resolve, reject) => {
      const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options, (response) => {
        bodyOf(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      });
      request.on('error', reject);
      request.end(content?.body);
    }).catch((cause: unknown) => {
      if (signal?.aborted === true) throw new GlimpseError('ABORTED');
      throw serverDown(`ComfyUI at ${withoutUserinfo(this.#base)} cannot be reached.`, cause);
    });
  }
}

interface Content {
  body: Buffer;
  contentType: string;
}

const json = (value: unknown): Content => ({
  body: Buffer.from(JSON.stringify(value)),
  contentType: 'application/json',
});

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) throw serverDown('The answer is larger than any of ComfyUI.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
