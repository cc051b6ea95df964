/**
 * One RTCPeerConnection that receives one video and its sound, and sends a camera in the video's section. No data channel: the WebSocket carries control, and an SCTP
 * association would cost extra packets. Tuned for latency: the jitter buffer's target is zero.
 */
import type { ClientMessage } from '../wire.ts';

export type Candidate = Extract<ClientMessage, { type: 'candidate' }>['candidate'];

export interface PeerMedia {
  /** Whether sound is taken. */
  sound: boolean;
  /** What is sent. */
  camera: MediaStreamTrack | undefined;
}

export interface PeerListener {
  onCandidate: (candidate: Candidate) => void;
  onTrack: (track: MediaStreamTrack) => void;
  onState: (state: RTCPeerConnectionState) => void;
}

/** Chromium's own, older name for the hint `jitterBufferTarget`; it honours both. */
type HintedReceiver = RTCRtpReceiver & { playoutDelayHint?: number; jitterBufferTarget?: number | null };

export class Peer {
  readonly #connection: RTCPeerConnection;
  readonly #listener: PeerListener;
  #trickling = false;

  readonly #sender: RTCRtpSender;

  constructor(
    ice: Pick<RTCConfiguration, 'iceServers' | 'iceTransportPolicy'>,
    { sound, camera }: PeerMedia,
    listener: PeerListener,
  ) {
    this.#listener = listener;
    this.#connection = new RTCPeerConnection({ ...ice, bundlePolicy: 'max-bundle' });
    const { receiver, sender } = camera
      ? this.#connection.addTransceiver(camera, { direction: 'sendrecv' })
      : this.#connection.addTransceiver('video', { direction: 'recvonly' });
    this.#sender = sender;
    const hinted: HintedReceiver = receiver;
    hinted.playoutDelayHint = 0;
    hinted.jitterBufferTarget = 0;
    if (sound) this.#connection.addTransceiver('audio', { direction: 'recvonly' });
    this.#connection.ontrack = ({ track }) => listener.onTrack(track);
    this.#connection.onicecandidate = ({ candidate }) => this.#trickle(candidate);
    this.#connection.onconnectionstatechange = () => listener.onState(this.#connection.connectionState);
  }

  get state(): RTCPeerConnectionState {
    return this.#connection.connectionState;
  }

  /** Sends another track, or none; only a connection made with a camera has a place for one. */
  async replaceCamera(track: MediaStreamTrack | undefined): Promise<void> {
    await this.#sender.replaceTrack(track ?? null);
  }

  /** Prepares an offer and starts gathering candidates. */
  async prepareOffer({ iceRestart = false } = {}): Promise<void> {
    this.#trickling = false;
    const { type, sdp = '' } = await this.#connection.createOffer({ iceRestart });
    await this.#connection.setLocalDescription({ type, sdp: inStereo(sdp) });
  }

  /** The prepared offer with every candidate gathered so far; later ones go to `onCandidate`. Send it at once. */
  takeOffer(): string {
    this.#trickling = true;
    return this.#connection.localDescription?.sdp ?? '';
  }

  async applyAnswer(sdp: string): Promise<void> {
    await this.#connection.setRemoteDescription({ type: 'answer', sdp });
  }

  /** Takes effect at the next ICE restart. */
  useIceServers(iceServers: RTCIceServer[]): void {
    this.#connection.setConfiguration({ ...this.#connection.getConfiguration(), iceServers });
  }

  /** Resolves false when the connection is not up within `timeoutMs`, or when the browser changes network meanwhile. */
  connected(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const connection = this.#connection;
    return new Promise((resolve) => {
      const check = () => {
        if (connection.connectionState === 'connected') done(true);
        else if (signal.aborted || connection.connectionState === 'closed') done(false);
      };
      const done = (up: boolean) => {
        clearTimeout(timer);
        connection.removeEventListener('connectionstatechange', check);
        signal.removeEventListener('abort', check);
        globalThis.removeEventListener?.('online', renewed);
        resolve(up);
      };
      const renewed = () => done(connection.connectionState === 'connected');
      const timer = setTimeout(() => done(false), timeoutMs);
      globalThis.addEventListener?.('online', renewed);
      connection.addEventListener('connectionstatechange', check);
      signal.addEventListener('abort', check);
      check();
    });
  }

  /** The browser's statistics (getStats), round trip and jitter buffer included. */
  getStats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  close(): void {
    this.#connection.ontrack = null;
    this.#connection.onicecandidate = null;
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
  }

  #trickle(candidate: RTCIceCandidate | null): void {
    if (!this.#trickling) return;
    if (candidate === null) return this.#listener.onCandidate(null);
    const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    if (line !== '') this.#listener.onCandidate({ candidate: line, sdpMid, sdpMLineIndex, usernameFragment });
  }
}

/** Browsers decode Opus in stereo only where the receiver's own description says so (RFC 7587 section 6.1). */
const inStereo = (sdp: string): string => {
  const format = /^a=rtpmap:(\d+) opus\/48000\/2/im.exec(sdp)?.[1];
  if (format === undefined) return sdp;
  return sdp.replace(new RegExp(`^(a=fmtp:${format} (?!.*stereo).*?)(\r?)$`, 'm'), '$1;stereo=1$2');
};
