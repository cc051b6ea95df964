/**
 * Stands in for a ComfyUI server: the same HTTP paths, WebSocket events and binary frames, validation of graphs, one
 * prompt at a time, a cache of results, PNG taps by SaveImageWebsocket, and faults on command. It computes no picture:
 * each tap sends plain ones whose red rises by 20 a frame and whose green says how many samplers the graph has.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Graph } from '../../../src/generation/comfyui/workflows/graph.ts';
import type { ObjectInfo } from '../../../src/generation/comfyui/server/wire.ts';
import { OBJECT_INFO } from './comfyui-object-info.ts';
import { StandInSockets } from './comfyui-stand-in-sockets.ts';
import { answerWrongly, errorIn, type Faults } from './comfyui-stand-in-faults.ts';
import { batchOf, cacheKeysOf, outputsOf, refusalOf, runOrder } from './comfyui-stand-in-graph.ts';
import { storeUpload } from './comfyui-stand-in-uploads.ts';
import { systemStats } from './comfyui-stand-in-stats.ts';
import { rampWav, soundOutput, soundSecondsOf } from './comfyui-stand-in-sound.ts';
import { previewAt } from './comfyui-stand-in-previews.ts';
import { encodePng } from '../pictures/png.ts';

export interface StandInOptions {
  /** As before previews of LTX-2: none come, though a prompt asks for them. */
  withoutPreviews?: boolean;
  objectInfo?: ObjectInfo;
  /** Members of `/object_info` besides, as an odd extension makes them: JSON text that ends with a comma. */
  oddNodes?: string;
  /** What every tap sends instead of plain pictures of its size. */
  tapPicture?: Uint8Array;
  /** As before feature flags, client-chosen ids and `execution_success`. */
  old?: boolean;
}

interface Prompt {
  id: string;
  clientId: string;
  graph: Graph;
  number: number;
  previewMethod: unknown;
}

const STEPS = 2;
const isSampler = (nodeClass: string): boolean => /Sampler(Custom|$)/.test(nodeClass);

export class ComfyStandIn implements AsyncDisposable {
  readonly faults: Faults = {};
  /** What was asked, oldest first. */
  readonly prompts: Prompt[] = [];
  readonly interrupts: string[] = [];
  /** Ids of prompts ended by `/api/jobs/{id}/cancel`. */
  readonly cancels: string[] = [];
  /** By the name that a loader is told. */
  readonly uploads = new Map<string, Uint8Array>();
  /** Classes of the nodes that were run and not taken from the cache. */
  readonly executed: string[] = [];
  frees = 0;
  /** Of 8 GB, what `/system_stats` says is in use. */
  usedMemoryShare = 0.75;
  readonly #options: StandInOptions;
  readonly #http: Server;
  readonly #sockets: StandInSockets;
  readonly #pending: Prompt[] = [];
  readonly #history = new Map<string, object>();
  /** Files of PreviewAudio nodes, by name. */
  readonly #sounds = new Map<string, Buffer>();
  #cache = new Set<string>();
  #running: Prompt | undefined;
  #interrupted = false;
  #foreignSent = 0;

  private constructor(options: StandInOptions) {
    this.#options = options;
    this.#http = createServer((request, response) => void this.#answer(request, response));
    this.#sockets = new StandInSockets(this.#http, {
      faults: this.faults,
      old: options.old === true,
      queueLength: () => this.queued.length,
    });
  }

  static async start(options: StandInOptions = {}, port = 0): Promise<ComfyStandIn> {
    const standIn = new ComfyStandIn(options);
    await new Promise<void>((resolve) => standIn.#http.listen(port, '127.0.0.1', resolve));
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get foreignPicturesSent(): number {
    return this.#foreignSent;
  }

  /** Ids of the prompts that run or wait. */
  get queued(): string[] {
    return [...(this.#running === undefined ? [] : [this.#running]), ...this.#pending].map(({ id }) => id);
  }

  /** Cuts a client's socket now. */
  dropClient(clientId: string): void {
    this.#sockets.drop(clientId);
  }

  async close(): Promise<void> {
    this.#pending.length = 0;
    this.#interrupted = true;
    this.#sockets.close();
    this.#http.closeAllConnections();
    await new Promise<void>((resolve) => this.#http.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const [, path = '', argument = ''] = new URL(request.url ?? '', this.url).pathname.split('/');
    const reply = (value: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      const text = JSON.stringify(value);
      response.end(path === 'object_info' ? text.replace('{', `{${this.#options.oddNodes ?? ''}`) : text);
    };
    if (this.faults.answer !== undefined) return answerWrongly(this.faults.answer, response);
    const message = (): Record<string, unknown> => JSON.parse(body.toString()) as Record<string, unknown>;
    switch (`${request.method} ${path}`) {
      case 'POST prompt':
        if (this.faults.badGateway === true) return void response.writeHead(502).end('<html>');
        return this.#submit(message(), reply);
      case 'GET queue': {
        const entry = ({ number, id }: Prompt): unknown[] => [number, id, {}, {}, []];
        const queue_running = this.#running === undefined ? [] : [entry(this.#running)];
        return reply({ queue_running, queue_pending: this.#pending.map(entry) });
      }
      case 'POST queue': {
        const doomed = (message()['delete'] ?? []) as string[];
        for (const id of doomed) {
          const index = this.#pending.findIndex((prompt) => prompt.id === id);
          if (index >= 0) this.#pending.splice(index, 1);
        }
        return void response.end();
      }
      case 'POST interrupt': {
        const id = String(message()['prompt_id']);
        this.interrupts.push(id);
        if (this.#running?.id === id) this.#interrupted = true;
        return void response.end();
      }
      case 'POST api': {
        // `/api/jobs/{id}/cancel`
        const id = new URL(request.url ?? '', this.url).pathname.split('/')[3] ?? '';
        if (this.#options.old === true || !this.queued.includes(id)) return reply({ error: 'Job not found' }, 404);
        this.cancels.push(id);
        const index = this.#pending.findIndex((prompt) => prompt.id === id);
        if (index >= 0) this.#pending.splice(index, 1);
        if (this.#running?.id === id) this.#interrupted = true;
        return reply({ status: 'cancelled' });
      }
      case 'POST free':
        this.frees += 1;
        this.#cache = new Set();
        return void response.end();
      case 'GET history':
        return reply(this.#history.has(argument) ? { [argument]: this.#history.get(argument) } : {});
      case 'GET system_stats':
        return reply(systemStats(this.usedMemoryShare));
      case 'GET object_info': {
        const info = this.#options.objectInfo ?? OBJECT_INFO;
        return reply(
          argument === '' ? info : Object.fromEntries(Object.entries(info).filter(([name]) => name === argument)),
        );
      }
      case 'GET view': {
        const sound = this.#sounds.get(new URL(request.url ?? '', this.url).searchParams.get('filename') ?? '');
        return void (sound === undefined ? response.writeHead(404).end() : response.end(sound));
      }
      case 'POST upload':
        return reply(await storeUpload(request, body, this.uploads));
      default:
        return reply({}, 404);
    }
  }

  #submit(message: Record<string, unknown>, reply: (value: unknown, status?: number) => void): void {
    const graph = message['prompt'] as Graph;
    const refusal = refusalOf(graph, this.#options.objectInfo ?? OBJECT_INFO, new Set(this.uploads.keys()));
    if (refusal !== undefined) return reply(refusal, 400);
    const id = this.#options.old === true ? randomUUID() : (message['prompt_id'] as string);
    const { preview_method: previewMethod } = (message['extra_data'] ?? {}) as Record<string, unknown>;
    const clientId = message['client_id'] as string;
    const prompt = { id, clientId, graph, number: this.prompts.length, previewMethod };
    this.prompts.push(prompt);
    this.#pending.push(prompt);
    reply({ prompt_id: id, number: prompt.number, node_errors: {} });
    void this.#drain();
  }

  async #drain(): Promise<void> {
    if (this.#running !== undefined) return;
    // Real servers take a prompt up in another thread, so the answer to `POST /prompt` is on its way before.
    await sleep(5);
    while (this.#running === undefined && this.#pending.length > 0) {
      this.#running = this.#pending.shift() as Prompt;
      this.#interrupted = false;
      await this.#run(this.#running);
      this.#running = undefined;
    }
  }

  async #run(prompt: Prompt): Promise<void> {
    const { id, clientId, graph } = prompt;
    const messages: [string, object][] = [];
    const tell = (type: string, data: object): void => {
      messages.push([type, { ...data, prompt_id: id, timestamp: Date.now() }]);
      this.#sockets.send(clientId, type, { ...data, prompt_id: id, timestamp: Date.now() });
    };
    tell('execution_start', {});
    const outputs = outputsOf(graph, this.#options.objectInfo ?? OBJECT_INFO);
    const failure = await this.#runNodes(prompt, runOrder(graph, outputs), tell);
    if (failure === undefined && this.#options.old !== true) tell('execution_success', {});
    const status = { status_str: failure ?? 'success', completed: failure === undefined, messages };
    const outputsOfSound = Object.fromEntries(
      outputs
        .filter((nodeId) => this.#sounds.has(`${id}-${nodeId}`))
        .map((nodeId) => [nodeId, soundOutput(id, nodeId)]),
    );
    this.#history.set(id, { prompt: [], outputs: outputsOfSound, status, meta: {} });
    this.#sockets.send(clientId, 'executing', { node: null, prompt_id: id });
  }

  async #runNodes(
    prompt: Prompt,
    order: readonly string[],
    tell: (type: string, data: object) => void,
  ): Promise<'error' | undefined> {
    const { id, clientId, graph } = prompt;
    const keyOf = cacheKeysOf(graph);
    const cached = order.filter((nodeId) => this.#cache.has(keyOf(nodeId)));
    tell('execution_cached', { nodes: cached });
    // Like the server's default cache: what the last prompt did not have is forgotten.
    this.#cache = new Set(cached.map((nodeId) => keyOf(nodeId)));
    for (const nodeId of order) {
      const { class_type } = graph[nodeId] ?? { class_type: '' };
      const isTap = class_type === 'SaveImageWebsocket';
      const isSound = class_type === 'PreviewAudio';
      if (cached.includes(nodeId) && !isTap && !isSound) continue;
      this.executed.push(class_type);
      this.#sockets.send(clientId, 'executing', { node: nodeId, display_node: nodeId, prompt_id: id });
      if (isTap && this.faults.blockedTaps !== true) await this.#sendTap(id, clientId, graph, nodeId);
      else if (isSampler(class_type)) await this.#sample(prompt, nodeId);
      else if (isSound) {
        this.#sounds.set(`${id}-${nodeId}`, rampWav(this.faults.soundSeconds ?? soundSecondsOf(graph)));
        tell('executed', { node: nodeId, display_node: nodeId, output: soundOutput(id, nodeId) });
      }
      if (this.#interrupted) {
        tell('execution_interrupted', { node_id: nodeId, node_type: class_type, executed: [] });
        return 'error';
      }
      const error = errorIn(class_type, this.faults);
      if (error !== undefined) {
        const told = { node_id: nodeId, node_type: class_type, executed: [], traceback: [], current_inputs: {} };
        tell('execution_error', { ...told, ...error, current_outputs: [] });
        return 'error';
      }
      if (!isTap) this.#cache.add(keyOf(nodeId));
    }
    return undefined;
  }

  async #sample({ id, clientId, previewMethod }: Prompt, nodeId: string): Promise<void> {
    const previews = ['latent2rgb', 'taesd'].includes(String(previewMethod)) && this.#options.withoutPreviews !== true;
    for (let value = 1; value <= STEPS && !this.#interrupted; value++) {
      if (previews) this.#sockets.sendPicture(id, clientId, nodeId, previewAt(value - 1));
      this.#sockets.send(clientId, 'progress', { value, max: STEPS, prompt_id: id, node: nodeId });
      await (this.faults.holdSteps ?? sleep(this.faults.stepMs ?? 0));
    }
  }

  async #sendTap(promptId: string, clientId: string, graph: Graph, nodeId: string): Promise<void> {
    const { widthPx, heightPx, frames } = batchOf(graph, nodeId);
    const samplers = Object.values(graph).filter(({ class_type }) => isSampler(class_type)).length;
    const foreign = encodePng(widthPx, heightPx, () => [0, 0, 255]);
    for (let frame = 0; frame < frames && !this.#interrupted; frame++) {
      const { holdAtImage: hold } = this.faults;
      if (hold?.image === frame && (hold.node ?? nodeId) === nodeId) await hold.until;
      if (frame === this.faults.dropSocketAtImage) {
        this.faults.dropSocketAtImage = undefined;
        this.#sockets.drop(clientId);
      }
      if (frame === this.faults.forgetClientAtImage) {
        this.faults.forgetClientAtImage = undefined;
        this.#sockets.forget(clientId);
      }
      if (this.faults.foreignPictures === true) {
        this.#foreignSent += 1;
        this.#sockets.sendPicture(randomUUID(), clientId, nodeId, foreign);
      }
      if (this.faults.malformedBinary === true) this.#sockets.sendMalformed(clientId);
      const picture =
        this.#options.tapPicture ?? encodePng(widthPx, heightPx, () => [(frame * 20) % 256, samplers * 60, 0]);
      this.#sockets.sendPicture(promptId, clientId, nodeId, picture);
      this.#sockets.send(clientId, 'progress', { value: frame, max: frames, prompt_id: promptId, node: nodeId });
      await (this.faults.holdSteps ?? sleep(this.faults.stepMs ?? 0));
    }
  }
}
