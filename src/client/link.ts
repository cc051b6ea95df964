/**
 * The socket and the peer connection of one session, and the three exchanges that bring them up: `start` (a new
 * session), `resume` (the same session over a new socket and, where needed, a new peer connection) and `restart` (ICE
 * only). When to do which is decided in `recovery.ts`.
 */
import type { GenerationRequest, ServerMessage } from '../../signaling/protocol.ts';
import { GlimpseClientError, aborted, connectionLost } from './errors.ts';
import type { Accepted, ConnectOptions, Message, Welcome } from './options.ts';
import { signalUrl } from './options.ts';
import { Peer } from './peer.ts';
import { SignalingSocket } from './signaling-socket.ts';
import type { Request } from './signaling-socket.ts';

/** A restart that has not found a path by then will not; a new peer connection is quicker. */
const RESTART_TIMEOUT_MS = 5_000;

export interface LinkListener {
  onMessage: (message: ServerMessage) => void;
  onTrack: (track: MediaStreamTrack) => void;
  onPeerState: (state: RTCPeerConnectionState) => void;
  /** A new peer connection begins: RTP timestamps start anew. */
  onNewPeer: () => void;
  onSocketLost: () => void;
}

export class Link {
  readonly #options: ConnectOptions;
  readonly #listener: LinkListener;
  readonly #signal: AbortSignal;
  #socket: SignalingSocket | undefined;
  #peer: Peer | undefined;
  #session: Message<'answer'> | undefined;
  #answering: Promise<void> = Promise.resolve();
  #iceServers: RTCIceServer[];

  /** @param signal ends every exchange under way */
  constructor(options: ConnectOptions, listener: LinkListener, signal: AbortSignal) {
    this.#options = options;
    this.#listener = listener;
    this.#signal = signal;
    this.#iceServers = options.iceServers ?? [];
  }

  /** Undefined until the server has answered. */
  get sessionId(): string | undefined {
    return this.#session?.sessionId;
  }

  get socketIsOpen(): boolean {
    return this.#socket?.isOpen ?? false;
  }

  get peerState(): RTCPeerConnectionState {
    return this.#peer?.state ?? 'closed';
  }

  /** A new session. Socket and offer are made side by side; a fixed prompt does not wait for the welcome. */
  async start(request: GenerationRequest | ((welcome: Welcome) => GenerationRequest)): Promise<Accepted> {
    this.#session = undefined;
    const peer = this.#newPeer();
    const [socket] = await this.#bothOrNeither(this.#openSocket(), peer.prepareOffer());
    const body = typeof request === 'function' ? request(await socket.welcome) : request;
    return this.#accepted(socket, { type: 'offer', sdp: peer.takeOffer(), request: body });
  }

  /** The same session over a new socket; with a new peer connection unless the old one still runs. */
  async resume(): Promise<Accepted> {
    if (!this.#session) throw connectionLost('There is no session to resume.');
    const { sessionId, resumeToken } = this.#session;
    const peer = this.peerState === 'connected' ? undefined : this.#newPeer();
    const [socket] = await this.#bothOrNeither(this.#openSocket(), peer?.prepareOffer());
    const offer = peer ? { sdp: peer.takeOffer() } : {};
    return this.#accepted(socket, { type: 'resume', sessionId, resumeToken, ...offer });
  }

  /** ICE restart on the live connection. @returns false when the path did not come back */
  async restart(): Promise<boolean> {
    const peer = this.#peer;
    const socket = this.#socket;
    if (!peer || !socket?.isOpen) return false;
    await peer.prepareOffer({ iceRestart: true });
    await socket.request({ type: 'restart', sdp: peer.takeOffer() }, 'answer');
    await this.#answering;
    return peer.connected(RESTART_TIMEOUT_MS, this.#signal);
  }

  /** @throws GlimpseClientError the server's, or CONNECTION_LOST while there is no socket */
  control(message: Request): Promise<Accepted> {
    if (!this.#socket) return Promise.reject(connectionLost('There is no connection to the server.'));
    return this.#socket.request(message, 'accepted');
  }

  async peerStats(): Promise<RTCStatsReport | undefined> {
    return this.#peer?.getStats();
  }

  /** Tells the server that nobody will resume, so that it frees the session now. */
  sayBye(): void {
    this.#socket?.send({ type: 'bye' });
  }

  /** Idempotent. */
  close(): void {
    this.#socket?.close();
    this.#peer?.close();
    this.#socket = undefined;
    this.#peer = undefined;
  }

  async #accepted(socket: SignalingSocket, message: Request): Promise<Accepted> {
    const accepted = await socket.request(message, 'accepted');
    await this.#answering;
    if (this.#signal.aborted) throw aborted();
    return accepted;
  }

  async #openSocket(): Promise<SignalingSocket> {
    this.#socket?.close();
    this.#socket = undefined;
    const listener = {
      onMessage: (message: ServerMessage) => this.#receive(message),
      onLost: () => this.#listener.onSocketLost(),
    };
    const socket = await SignalingSocket.open(signalUrl(this.#options), listener, this.#signal);
    this.#socket = socket;
    return socket;
  }

  #newPeer(): Peer {
    this.#peer?.close();
    const peer = new Peer(this.#iceServers, {
      onCandidate: (candidate) => this.#socket?.send({ type: 'candidate', candidate }),
      onTrack: this.#listener.onTrack,
      onState: this.#listener.onPeerState,
    });
    this.#peer = peer;
    this.#listener.onNewPeer();
    return peer;
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'welcome') this.#learnIceServers(message);
    if (message.type === 'answer') {
      this.#session = message;
      this.#answering = this.#applyAnswer(message.sdp);
      this.#answering.catch(() => {});
    }
    // A candidate that cannot be used is one path less, not a failure: others follow.
    if (message.type === 'candidate') this.#peer?.addCandidate(message.candidate).catch(() => {});
    this.#listener.onMessage(message);
  }

  async #applyAnswer(sdp: string): Promise<void> {
    try {
      await this.#peer?.applyAnswer(sdp);
    } catch {
      throw new GlimpseClientError('SDP_INVALID', "The browser cannot use the server's answer.");
    }
  }

  #learnIceServers({ iceServers }: Welcome): void {
    if (this.#options.iceServers || iceServers.length === 0) return;
    this.#iceServers = iceServers as RTCIceServer[];
    this.#peer?.useIceServers(this.#iceServers);
  }

  async #bothOrNeither<T>(opening: Promise<T>, preparing: Promise<void> | undefined): Promise<[T, void]> {
    try {
      return await Promise.all([opening, preparing]);
    } catch (error) {
      this.#peer?.close();
      throw error;
    }
  }
}
