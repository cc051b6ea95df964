/** The WebSockets of the stand-in for ComfyUI: who listens under which client id, and events in the server's two formats. */
import type { Server } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Faults } from './comfyui-stand-in-faults.ts';

interface SocketOptions {
  faults: Faults;
  /** Knows no feature flags. */
  old: boolean;
  queueLength: () => number;
}

export class StandInSockets {
  readonly #options: SocketOptions;
  readonly #server = new WebSocketServer({ noServer: true, autoPong: false });
  readonly #clients = new Map<string, { socket: WebSocket; metadata: boolean }>();

  constructor(http: Server, options: SocketOptions) {
    this.#options = options;
    http.on('upgrade', (request, socket, head) => {
      if (options.faults.answer !== undefined) {
        socket.destroy();
        return;
      }
      const clientId = new URL(request.url ?? '', 'http://stand-in').searchParams.get('clientId') ?? '';
      this.#server.handleUpgrade(request, socket, head, (client) => this.#welcome(clientId, client));
    });
  }

  send(clientId: string, type: string, data: object): void {
    if (this.#options.faults.silent !== true) this.#clients.get(clientId)?.socket.send(JSON.stringify({ type, data }));
  }

  sendPicture(promptId: string, clientId: string, nodeId: string, picture: Uint8Array): void {
    const client = this.#clients.get(clientId);
    if (client === undefined || this.#options.faults.silent === true) return;
    const isPng = picture[0] === 0x89;
    if (!client.metadata) {
      client.socket.send(Buffer.concat([u32(1), u32(isPng ? 2 : 1), picture]));
      return;
    }
    const ids = { node_id: nodeId, display_node_id: nodeId, parent_node_id: null, real_node_id: nodeId };
    const metadata = { ...ids, prompt_id: promptId, image_type: isPng ? 'image/png' : 'image/jpeg' };
    const json = Buffer.from(JSON.stringify(metadata));
    client.socket.send(Buffer.concat([u32(4), u32(json.length), json, picture]));
  }

  sendMalformed(clientId: string): void {
    const socket = this.#clients.get(clientId)?.socket;
    for (const bytes of [[], [0, 0, 0, 4], [0, 0, 0, 4, 255, 255, 255, 255, 1], [0, 0, 0, 1, 0, 0, 0, 2, 0], [9]])
      socket?.send(Buffer.from(bytes));
  }

  /** Cuts a client's socket. */
  drop(clientId: string): void {
    this.#clients.get(clientId)?.socket.terminate();
    this.#clients.delete(clientId);
  }

  /** Keeps a client's connection open and sends nothing on it any more. */
  forget(clientId: string): void {
    this.#clients.delete(clientId);
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
  }

  #welcome(clientId: string, socket: WebSocket): void {
    const client = { socket, metadata: false };
    this.#clients.set(clientId, client);
    socket.on('ping', (data) => this.#options.faults.deaf !== true && socket.pong(data));
    const status = { exec_info: { queue_remaining: this.#options.queueLength() } };
    this.send(clientId, 'status', { status, sid: clientId });
    socket.once('message', (data: Buffer) => {
      const { type, data: flags } = JSON.parse(data.toString()) as { type: string; data: Record<string, unknown> };
      client.metadata = !this.#options.old && type === 'feature_flags' && flags['supports_preview_metadata'] === true;
    });
    socket.on('close', () => this.#clients.get(clientId)?.socket === socket && this.#clients.delete(clientId));
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
