/**
 * A signaling server that follows a script instead of having a generator: it answers like the real one by default, and
 * a test can override any answer, drop sockets, forget sessions and send messages at will. Everything it received is
 * kept in `received`. It can serve a built page too.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { clientMessage } from '../../signaling/protocol.ts';
import type { AcceptedMessage, ClientMessage, ServerMessage } from '../../signaling/protocol.ts';
import { SyntheticVideoPeer } from './synthetic-video.ts';

const CONTENT_TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** Returns true when it has dealt with the message itself. */
export type Script = (message: ClientMessage, reply: (message: ServerMessage) => void) => boolean;
type OfferMessage = Extract<ClientMessage, { type: 'offer' | 'restart' | 'resume' }>;

export const WELCOME: Extract<ServerMessage, { type: 'welcome' }> = {
  type: 'welcome',
  protocol: 1,
  iceServers: [],
  generator: {
    name: 'scripted',
    conditioning: 'nothing: it follows a script',
    slice: { frames: 8, fps: 12 },
    tiers: [
      { tier: 'draft', widthPx: 32, heightPx: 32 },
      { tier: 'base', widthPx: 128, heightPx: 128 },
      { tier: 'refined', widthPx: 256, heightPx: 256, fast: { widthPx: 128, heightPx: 128 } },
    ],
    examples: [
      'a red ball bouncing over a green meadow',
      'a boat on the sea at sunset',
      'snow falling on a city at night',
    ],
  },
  limits: { promptMaxChars: 1000, clipSecondsMax: 30 },
};

export class ScriptedSignalingServer {
  readonly received: ClientMessage[] = [];
  /** Requested URLs of the WebSockets, in order. */
  readonly connections: string[] = [];
  /** Offered subprotocols of the WebSockets, in order. */
  readonly protocols: (string | undefined)[] = [];
  script: Script = () => false;
  prompts: AcceptedMessage['prompts'];
  reading = { fields: { scene: 'meadow', object: 'ball' } as Record<string, string>, unknownWords: [] as string[] };
  revision = 0;
  welcome = WELCOME;
  /** While true no candidate reaches either side, as if a firewall stood between them. An ICE restart ends it. */
  firewalled = false;
  readonly #http = createServer((request, response) => void this.#serve(request, response));
  readonly #sockets = new WebSocketServer({ server: this.#http, path: '/signal' });
  readonly #peers = new Set<SyntheticVideoPeer>();
  readonly #pageDir: string | undefined;
  #peer: SyntheticVideoPeer | undefined;
  #sessionId: string | undefined;
  #prompt = '';
  #seed = 1;

  private constructor(pageDir: string | undefined) {
    this.#pageDir = pageDir;
    this.#sockets.on('connection', (socket, request) => {
      this.connections.push(request.url ?? '');
      this.protocols.push(request.headers['sec-websocket-protocol']);
      socket.on('message', (data: Buffer) => void this.#receive(socket, data.toString()));
      socket.send(JSON.stringify(this.welcome));
    });
  }

  static async listen({
    pageDir,
    port = 0,
  }: { pageDir?: string; port?: number } = {}): Promise<ScriptedSignalingServer> {
    const server = new ScriptedSignalingServer(pageDir);
    await new Promise<void>((resolve) => server.#http.listen(port, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/`;
  }

  get openSockets(): number {
    return this.#sockets.clients.size;
  }

  /** Messages of one type, in order of arrival. */
  of<Type extends ClientMessage['type']>(type: Type): Extract<ClientMessage, { type: Type }>[] {
    return this.received.filter((message): message is Extract<ClientMessage, { type: Type }> => message.type === type);
  }

  /** To every connected client. */
  send(message: ServerMessage): void {
    for (const socket of this.#sockets.clients) socket.send(JSON.stringify(message));
  }

  dropSockets(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  /** From now on a `resume` finds nothing. */
  forgetSession(): void {
    this.#sessionId = undefined;
  }

  /** Ends the media under the session's feet, as a network that vanishes does. */
  dropPeer(): void {
    this.#peer?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.close();
    this.dropSockets();
    this.#sockets.close();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #receive(socket: WebSocket, text: string): Promise<void> {
    const message = clientMessage.parse(JSON.parse(text));
    this.received.push(message);
    const reply = (answer: ServerMessage) => socket.send(JSON.stringify(answer));
    if (this.script(message, reply)) return;
    switch (message.type) {
      case 'offer':
        this.#sessionId = `session-${this.of('offer').length}`;
        this.#prompt = message.request.prompt;
        this.revision++;
        return this.#answer(message, message.sdp, reply);
      case 'restart':
        return this.#answer(message, message.sdp, reply);
      case 'resume':
        return this.#resume(message, reply);
      case 'candidate':
        if (message.candidate && !this.firewalled)
          // One that comes while its peer is being closed is of no use to anybody.
          await this.#peer?.addCandidate(message.candidate as RTCIceCandidateInit).catch(() => {});
        return undefined;
      case 'report':
        return undefined;
      case 'bye':
        return socket.close();
      case 'prompt':
        this.#prompt = message.prompt;
        this.revision++;
        break;
      case 'steer':
        this.#seed = message.seed ?? this.#seed;
        this.revision++;
        break;
      default:
        break;
    }
    reply(this.#accepted(message.id));
  }

  async #resume(message: Extract<ClientMessage, { type: 'resume' }>, reply: (m: ServerMessage) => void): Promise<void> {
    if (message.sessionId === this.#sessionId) return this.#answer(message, message.sdp, reply);
    const { id } = message;
    reply({ type: 'error', id, code: 'SESSION_NOT_FOUND', message: 'No such session.', retryable: false });
  }

  async #answer(message: OfferMessage, sdp: string | undefined, reply: (m: ServerMessage) => void): Promise<void> {
    const sessionId = this.#sessionId ?? '';
    if (sdp !== undefined) {
      const peer = message.type === 'restart' ? this.#peer : this.#newPeer();
      if (message.type === 'restart') this.firewalled = false;
      const answer = await peer?.answer(this.#filtered(sdp));
      // Closed meanwhile, and the socket with it: an answer without SDP would be no answer.
      if (answer === undefined) return;
      reply({ type: 'answer', id: message.id, sdp: this.#filtered(answer), sessionId, resumeToken: 'secret' });
    }
    if (message.type !== 'restart') reply(this.#accepted(message.id));
  }

  #filtered(sdp: string): string {
    return this.firewalled ? sdp.replaceAll(/^a=candidate:.*\r\n/gm, '') : sdp;
  }

  #newPeer(): SyntheticVideoPeer {
    this.#peer?.close();
    this.#peer = new SyntheticVideoPeer();
    this.#peers.add(this.#peer);
    return this.#peer;
  }

  #accepted(id: number | undefined): ServerMessage {
    const { revision, reading, prompts } = this;
    return {
      type: 'accepted',
      id,
      revision,
      queuePosition: 0,
      reading,
      prompts,
      seed: this.#seed,
      prompt: this.#prompt,
    };
  }

  async #serve({ url = '/' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = normalize(new URL(url, 'http://localhost').pathname);
    const file = join(this.#pageDir ?? '/nonexistent', path === '/' ? 'index.html' : path);
    try {
      const body = await readFile(file);
      response.writeHead(200, { 'content-type': CONTENT_TYPES[extname(file)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  }
}
