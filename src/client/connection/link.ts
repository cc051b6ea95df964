/**
 * The socket and the peer connection of one session, and the three exchanges that establish them: `start` (a new
 * session), `resume` (the same session over a new socket and, where needed, a new peer connection) and `restart` (ICE
 * only). `recovery.ts` decides which to use. A replaced peer connection lives until the next one's video has arrived:
 * closing it earlier would turn its last frame black.
 */
import type { Camera } from '../camera.ts';
import type { ClientMessage, GenerationRequest, ServerMessage } from '../wire.ts';
import { GlimpseClientError, aborted, connectionLost } from '../errors.ts';
import type { Accepted, ConnectOptions, Message, RoomOptions, Welcome } from '../options.ts';
import { signalUrl, subprotocols } from '../options.ts';
import { Peer } from './peer.ts';
import { SignalingSocket } from './signaling-socket.ts';
import type { Request } from './signaling-socket.ts';

/** A restart that has found no path by then will find none; a new peer connection is faster. */
const RESTART_TIMEOUT_MS = 5_000;
/**
 * The first offer goes out before the server has named its ICE servers: clients with a direct path save a round trip.
 * Without a path after this long, the client tries again with these servers.
 */
const DIRECT_PATH_TIMEOUT_MS = 1_500;

export interface LinkListener {
  onMessage: (message: ServerMessage) => void;
  /** A new video; call `shown` when it has replaced the previous one. */
  onTrack: (track: MediaStreamTrack, shown: () => void) => void;
  onPeerState: (state: RTCPeerConnectionState) => void;
  /** A new peer connection starts: RTP timestamps restart. */
  onNewPeer: () => void;
  onSocketLost: () => void;
}

export class Link {
  readonly #options: ConnectOptions;
  readonly #camera: Camera;
  readonly #listener: LinkListener;
  readonly #signal: AbortSignal;
  #socket: SignalingSocket | undefined;
  /** The current connection, or the one being attempted; undefined after a failed attempt. */
  #peer: Peer | undefined;
  /** The connection whose video, or last frame, is in the stream; usually the same one. */
  #onScreen: Peer | undefined;
  #session: Message<'answer'> | undefined;
  #answering: Promise<void> = Promise.resolve();
  #iceServers: RTCIceServer[];
  /** The ICE servers that the current peer connection has gathered with. */
  #offeredServers: RTCIceServer[] = [];

  /** @param signal aborts every exchange in progress */
  constructor(options: ConnectOptions, camera: Camera, listener: LinkListener, signal: AbortSignal) {
    this.#options = options;
    this.#camera = camera;
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

  /** Starts a new session. A fixed prompt does not wait for the welcome. */
  async start(
    request: GenerationRequest | ((welcome: Welcome) => GenerationRequest),
    room?: RoomOptions,
  ): Promise<Accepted> {
    this.#session = undefined;
    return this.#orClosePeer(async () => {
      const [socket, peer] = await this.#openBoth();
      const body = typeof request === 'function' ? request(await socket.welcome) : request;
      const offer = { type: 'offer', sdp: peer.takeOffer(), request: body, ...(room && { room }) } as const;
      const accepted = await this.#accepted(socket, offer);
      void this.#tryRelays(peer);
      return accepted;
    });
  }

  /** Resumes the session over a new socket, with a new peer connection unless the old one still works. */
  async resume(): Promise<Accepted> {
    if (!this.#session) throw connectionLost('There is no session to resume.');
    const { sessionId, resumeToken } = this.#session;
    const resume = { type: 'resume', sessionId, resumeToken } as const;
    if (this.peerState === 'connected') return this.#accepted(await this.#openSocket(), resume);
    return this.#orClosePeer(async () => {
      const [socket, peer] = await this.#openBoth();
      return this.#accepted(socket, { ...resume, sdp: peer.takeOffer() });
    });
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

  /** Whether the current peer connection connects; see `Peer.connected`. */
  connected(timeoutMs: number): Promise<boolean> {
    return this.#peer?.connected(timeoutMs, this.#signal) ?? Promise.resolve(false);
  }

  /** @throws GlimpseClientError the server's error, or CONNECTION_LOST while there is no socket */
  control(message: Request): Promise<Accepted> {
    if (!this.#socket) return Promise.reject(connectionLost('There is no connection to the server.'));
    return this.#socket.request(message, 'accepted');
  }

  /** Sends the camera's present track from now on. */
  async replaceCamera(): Promise<void> {
    await this.#peer?.replaceCamera(this.#camera.track);
  }

  async peerStats(): Promise<RTCStatsReport | undefined> {
    return this.#peer?.getStats();
  }

  /** Sends to the server if the socket is open; otherwise drops the message. */
  send(message: ClientMessage): void {
    this.#socket?.send(message);
  }

  /** Tells the server that this client will not resume, so that it frees the session now. */
  sayBye(): void {
    this.#socket?.send({ type: 'bye' });
  }

  /** Idempotent. */
  close(): void {
    this.#socket?.close();
    this.#peer?.close();
    this.#onScreen?.close();
    this.#socket = undefined;
    this.#peer = undefined;
    this.#onScreen = undefined;
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
    const address = { url: signalUrl(this.#options), protocols: await this.#subprotocols() };
    const socket = await SignalingSocket.open(address, listener, this.#signal);
    this.#socket = socket;
    return socket;
  }

  async #subprotocols(): Promise<string[]> {
    try {
      return await subprotocols(this.#options);
    } catch {
      throw new GlimpseClientError('UNAUTHORIZED', 'No token could be had.');
    }
  }

  /**
   * Opens a socket and a peer connection with a prepared offer. The first time in parallel, because both take equally
   * long. Later the socket comes first, so that an attempt at an unreachable server costs no peer connection.
   */
  async #openBoth(): Promise<[SignalingSocket, Peer]> {
    const opening = this.#openSocket();
    if (this.#onScreen) await opening;
    // With the policy `relay`, an offer without TURN servers would hold no candidate.
    const onlyRelays = this.#options.iceTransportPolicy === 'relay';
    if (onlyRelays && this.#iceServers.length === 0) await (await opening).welcome;
    const peer = this.#newPeer();
    const [socket] = await Promise.all([opening, peer.prepareOffer()]);
    return [socket, peer];
  }

  #newPeer(): Peer {
    this.#closeUnseenPeer();
    const ifCurrent = (act: () => void) => {
      if (peer === this.#peer) act();
    };
    const { iceTransportPolicy, sound = true } = this.#options;
    const ice = { iceServers: this.#iceServers, ...(iceTransportPolicy && { iceTransportPolicy }) };
    this.#offeredServers = this.#iceServers;
    const peer: Peer = new Peer(
      ice,
      { sound, camera: this.#camera.track },
      {
        onCandidate: (candidate) => ifCurrent(() => this.#socket?.send({ type: 'candidate', candidate })),
        onTrack: (track) => this.#listener.onTrack(track, () => ifCurrent(() => this.#show(peer))),
        onState: (state) => ifCurrent(() => this.#listener.onPeerState(state)),
      },
    );
    this.#peer = peer;
    this.#listener.onNewPeer();
    return peer;
  }

  #show(peer: Peer): void {
    if (this.#onScreen !== peer) this.#onScreen?.close();
    this.#onScreen = peer;
  }

  #closeUnseenPeer(): void {
    if (this.#peer !== this.#onScreen) this.#peer?.close();
    this.#peer = undefined;
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'welcome') this.#learnIceServers(message);
    if (message.type === 'answer') {
      this.#session = message;
      this.#answering = this.#applyAnswer(message.sdp);
      this.#answering.catch(() => {});
    }
    this.#listener.onMessage(message);
  }

  async #applyAnswer(sdp: string): Promise<void> {
    try {
      await this.#peer?.applyAnswer(sdp);
    } catch (cause) {
      throw new GlimpseClientError('SDP_INVALID', "The browser cannot use the server's answer.", { cause });
    }
  }

  /** Uses ICE servers learnt after the offer, by an ICE restart, if the direct path does not come up. */
  async #tryRelays(peer: Peer): Promise<void> {
    if (this.#iceServers === this.#offeredServers) return;
    if (await peer.connected(DIRECT_PATH_TIMEOUT_MS, this.#signal)) return;
    if (peer !== this.#peer || this.#signal.aborted) return;
    this.#offeredServers = this.#iceServers;
    // A failure shows in the peer's state, which triggers recovery.
    await this.restart().catch(() => false);
  }

  #learnIceServers({ iceServers }: Welcome): void {
    if (this.#options.iceServers || iceServers.length === 0) return;
    this.#iceServers = iceServers as RTCIceServer[];
    this.#peer?.useIceServers(this.#iceServers);
  }

  /** Closes a peer connection whose offer failed: it must not send candidates for a session that does not exist. */
  async #orClosePeer<T>(exchange: () => Promise<T>): Promise<T> {
    const before = this.#peer;
    try {
      return await exchange();
    } catch (error) {
      // If the socket failed there is no new peer: the old one may still recover.
      if (this.#peer !== before) this.#closeUnseenPeer();
      throw error;
    }
  }
}
