/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A stream as the page sees it: one `MediaStream` object that survives every reconnection, its events, and its
 * controls. Created by `connect`.
 */
import type { GenerationRequest, ServerMessage } from './wire.ts';
import { Camera, type CameraSource } from './camera.ts';
import { Emitter } from './emitter.ts';
import { aborted, connectTimeout, toClientError } from './errors.ts';
import type { GlimpseClientError } from './errors.ts';
import { observeFrames } from './frames.ts';
import { reportFreezes } from './freeze-report.ts';
import type { PresentedFrame } from './frames.ts';
import { Link } from './connection/link.ts';
import type { LiveEvents, LiveState, PromptChange, Stats, Steering } from './live-events.ts';
import { generationRequest, requirePrompt, roomRequest } from './options.ts';
import type { Accepted, ConnectOptions, Message, PlayingEvent, RoomEvent, RoomOptions, Welcome } from './options.ts';
import { Reconnection } from './connection/reconnection.ts';
import type { Restart } from './connection/recovery.ts';
import { Reported } from './reported.ts';
import { serverError } from './connection/signaling-socket.ts';
import type { Request } from './connection/signaling-socket.ts';
import { swapTrack } from './connection/track-swap.ts';
import { WaitingControls } from './connection/waiting-controls.ts';

export class Live implements AsyncDisposable {
  /** Assign it to a video element once; it survives reconnections. */
  readonly stream = new MediaStream();
  readonly #options: ConnectOptions;
  readonly #events = new Emitter<LiveEvents>();
  readonly #lifetime = new AbortController();
  readonly #camera = new Camera();
  readonly #link: Link;
  readonly #reconnection: Reconnection;
  readonly #reported = new Reported(this.#events);
  readonly #waiting = new WaitingControls();
  readonly #observers = new Set<() => void>();
  readonly #startedAtMs = performance.now();
  #state: LiveState = 'connecting';
  #request: GenerationRequest | undefined;
  #timeToConnectMs: number | null = null;

  constructor(options: ConnectOptions) {
    this.#options = options;
    const listener = {
      onMessage: (message: ServerMessage) => this.#receive(message),
      onTrack: (track: MediaStreamTrack, shown: () => void) => this.#onTrack(track, shown),
      onPeerState: (state: RTCPeerConnectionState) => this.#peerChanged(state),
      onNewPeer: () => this.#reported.forgetPlaying(),
      onSocketLost: () => this.#broken('The connection to the server was lost.'),
    };
    const { signal } = this.#lifetime;
    this.#link = new Link(options, this.#camera, listener, signal);
    const outcome = {
      onBroken: (reason: string) => this.#enter('reconnecting', reason),
      onBack: (accepted: Accepted | undefined, newId: string | undefined) => this.#back(accepted, newId),
      onGivenUp: (error: GlimpseClientError) => this.#giveUp(error),
    };
    const lostRequest = options.restartLost === false ? undefined : () => this.#lostRequest();
    this.#reconnection = new Reconnection(this.#link, outcome, { lostRequest, signal });
    this.#observers.add(
      reportFreezes(
        () => this.#link.peerStats(),
        (report) => this.#link.send(report),
      ),
    );
    options.signal?.addEventListener('abort', this.#abort);
    globalThis.addEventListener?.('pagehide', this.#leave);
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Survives reconnections; changes when the server had to start a new session. */
  get sessionId(): string | undefined {
    return this.#link.sessionId;
  }

  /** Whether the stream has sound. Browsers start sound only after a click: show `muted`, unmute in its handler. */
  get hasSound(): boolean {
    return this.stream.getAudioTracks().length > 0;
  }

  /** The server's capabilities. */
  get welcome(): Welcome | undefined {
    return this.#reported.welcome;
  }

  /** The latest accepted revision, with its seed and how its prompt was understood. */
  get accepted(): Accepted | undefined {
    return this.#reported.accepted;
  }

  get stats(): Stats | undefined {
    return this.#reported.stats;
  }

  /** Who is in the room, and with which rights; undefined for a stream of one's own. */
  get room(): RoomEvent | undefined {
    return this.#reported.room;
  }

  /** From the call of `connect` to a connected peer, ms; null until then. */
  get timeToConnectMs(): number | null {
    return this.#timeToConnectMs;
  }

  /** Adds a listener; returns the function that removes it. */
  on<Name extends keyof LiveEvents>(event: Name, listener: (...args: LiveEvents[Name]) => void): () => void {
    return this.#events.on(event, listener);
  }

  /** Used by `connect`. @throws GlimpseClientError when the session is refused; it is closed then */
  async start(): Promise<void> {
    try {
      if (this.#options.signal?.aborted) throw aborted();
      const { prompt = '', camera = false } = this.#options;
      if (camera !== false) await this.#camera.open(camera);
      if (this.#lifetime.signal.aborted) {
        this.#camera.close();
        throw aborted();
      }
      const build = (welcome: Welcome) => this.#remember(typeof prompt === 'function' ? prompt(welcome) : prompt);
      const request = typeof prompt === 'function' ? build : this.#remember(prompt);
      const accepted = await this.#link.start(request, roomRequest(this.#options));
      this.#reported.accept(accepted);
      this.#enter('live', '');
      // By then the page, which awaits `connect`, has added its listeners.
      setTimeout(() => this.#reported.release().forEach((message) => this.#receive(message)));
      if (!this.#link.socketIsOpen) this.#broken('The connection to the server was lost.');
    } catch (thrown) {
      const error = toClientError(thrown);
      this.#end(error.message);
      throw error;
    }
  }

  /**
   * Changes the prompt in the running stream; resolves when the server has accepted it. Like all controls it waits
   * during a reconnection; then the newest of each kind is sent.
   */
  async setPrompt(text: string, change: PromptChange = {}): Promise<Accepted> {
    const accepted = await this.#control({ type: 'prompt', prompt: text, ...change });
    this.#amend({ prompt: text, ...change });
    return accepted;
  }

  /** Changes the parameters, not the prompt; resolves when the server has accepted them. */
  async steer(steering: Steering): Promise<Accepted> {
    const accepted = await this.#control({ type: 'steer', ...steering });
    this.#amend(steering);
    return accepted;
  }

  async pause(): Promise<void> {
    await this.#control({ type: 'pause' });
  }

  async play(): Promise<void> {
    await this.#control({ type: 'play' });
  }

  /** Clip mode: jumps to a time of the clip, ms. */
  async seek(timeMs: number): Promise<void> {
    await this.#control({ type: 'seek', timeMs });
  }

  /**
   * Makes a room of the running stream, with this viewer as its host. The event `room` follows, with the secrets for
   * links (`roomLink`).
   * @param as the name to show to the others
   */
  async share(options: Pick<RoomOptions, 'as' | 'everyone'> = {}): Promise<void> {
    await this.#control({ type: 'share', ...options });
  }

  /** Hosts of a room only: ends it for all. */
  async endRoom(): Promise<void> {
    await this.#control({ type: 'endRoom' });
  }

  /**
   * Calls `onFrame` for each frame of this stream that `video` presents, with its slice and tier.
   * @returns stops it
   */
  onFrame(video: HTMLVideoElement, onFrame: (frame: PresentedFrame) => void): () => void {
    const stop = observeFrames(video, (rtpTimestamp) => this.playingAt(rtpTimestamp), onFrame);
    this.#observers.add(stop);
    return () => {
      this.#observers.delete(stop);
      stop();
    };
  }

  /** The camera that is sent, for a self view. */
  get camera(): MediaStreamTrack | undefined {
    return this.#camera.track;
  }

  /**
   * Sends another camera, or none (`false`). A stream that was connected without `camera` has no place for one: connect
   * with it.
   * @throws GlimpseClientError CAMERA_DENIED, CAMERA_NOT_FOUND, CAMERA_IN_USE, CAMERA_UNAVAILABLE
   */
  async setCamera(source: CameraSource): Promise<void> {
    if (this.#state === 'closed') throw aborted();
    await this.#camera.open(source);
    await this.#link.replaceCamera();
  }

  /** Sends black pictures and keeps the device open, or sends the camera again. */
  muteCamera(muted: boolean): void {
    this.#camera.enabled = !muted;
  }

  /** What a frame shows; without an RTP timestamp (older browsers), what plays now. */
  playingAt(rtpTimestamp: number | undefined): PlayingEvent | undefined {
    return this.#reported.playingAt(rtpTimestamp);
  }

  /** The browser's own connection statistics (jitter buffer, packets, round trip). */
  peerStats(): Promise<RTCStatsReport | undefined> {
    return this.#link.peerStats();
  }

  /** Ends the stream and frees the session on the server. Idempotent, never throws. */
  async close(): Promise<void> {
    this.#end('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #control(message: Request): Promise<Accepted> {
    if (this.#state === 'closed') throw aborted();
    const accepted = await this.#sent(message);
    this.#reported.accept(accepted);
    return accepted;
  }

  /** A control requested during a recovery waits for its end. */
  async #sent(message: Request): Promise<Accepted> {
    if (this.#reconnection.underWay) return this.#waiting.add(message);
    try {
      return await this.#link.control(message);
    } catch (thrown) {
      const error = toClientError(thrown);
      if (error.code === 'CONNECTION_LOST' && this.#reconnection.underWay) return this.#waiting.add(message);
      throw error;
    }
  }

  #receive(message: ServerMessage): void {
    if (this.#reported.hold(message)) return;
    if (message.type === 'error') this.#fail(serverError(message));
    else if (message.type === 'bye') this.#dismissed(message);
    else this.#reported.receive(message);
  }

  /** An error that answers no request. */
  #fail(error: GlimpseClientError): void {
    // Caused by candidates after a refused `resume`: recovery handles it, and the page does not need it.
    if (error.code === 'NO_SESSION' && this.#reconnection.underWay) return;
    this.#events.emit('error', error);
  }

  #onTrack(track: MediaStreamTrack, shown: () => void): void {
    swapTrack(this.stream, track, shown);
    if (track.kind === 'audio') this.#events.emit('sound');
  }

  #peerChanged(state: RTCPeerConnectionState): void {
    if (state === 'connected') this.#timeToConnectMs ??= performance.now() - this.#startedAtMs;
    if (state === 'disconnected' || state === 'failed') this.#broken('The network path was lost.');
  }

  #dismissed(bye: Message<'bye'>): void {
    if (this.#state === 'connecting' || this.#reconnection.underWay) return;
    const wasConnected = this.#timeToConnectMs !== null;
    if (this.#reconnection.afterBye(bye, wasConnected)) return;
    if (!wasConnected) this.#events.emit('error', connectTimeout());
    this.#end(bye.reason);
  }

  #broken(reason: string): void {
    if (this.#state === 'live') this.#reconnection.begin(reason);
  }

  #back(accepted: Accepted | undefined, newSessionId: string | undefined): void {
    if (newSessionId !== undefined) this.#events.emit('session', newSessionId);
    if (accepted) this.#reported.accept(accepted);
    this.#enter('live', '');
    this.#waiting.flush((message) => this.#sent(message));
  }

  #giveUp(error: GlimpseClientError): void {
    this.#events.emit('error', error);
    this.#waiting.reject(error);
    this.#end(error.message);
  }

  /** Requests the same picture, not only the same prompt: where the server picked the seed, that seed. */
  #lostRequest(): Restart {
    const request = this.#request as GenerationRequest;
    const { accepted, room } = this.#reported;
    return [{ ...request, seed: request.seed ?? accepted?.seed }, roomRequest(this.#options, room)];
  }

  #remember(prompt: string): GenerationRequest {
    return (this.#request = generationRequest(this.#options, requirePrompt(prompt)));
  }

  /** A new session after a loss shows what the viewer last requested. */
  #amend({
    transition: _transition,
    strength: _strength,
    ...change
  }: Partial<GenerationRequest> & Pick<PromptChange, 'transition' | 'strength'>): void {
    if (this.#request) this.#request = { ...this.#request, ...change };
  }

  readonly #abort = (): void => this.#end('');

  /** On `pagehide` the session is freed. If the page returns, recovery starts a new one. */
  readonly #leave = (): void => this.#link.sayBye();

  #enter(state: LiveState, reason: string): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.#events.emit('state', state, reason);
  }

  #end(reason: string): void {
    if (this.#state === 'closed') return;
    this.#lifetime.abort();
    this.#waiting.reject(aborted());
    this.#options.signal?.removeEventListener('abort', this.#abort);
    globalThis.removeEventListener?.('pagehide', this.#leave);
    for (const stop of this.#observers) stop();
    this.#observers.clear();
    this.#link.sayBye();
    this.#link.close();
    this.#camera.close();
    for (const track of this.stream.getTracks()) this.stream.removeTrack(track);
    this.#enter('closed', reason);
    this.#events.clear();
  }
}
