/** A peer connection as other folders see it; `peer.ts` implements it. */
import type { Emitter } from '../../events.ts';
import type { VideoCodec } from '../../media/encode/encoder.ts';
import type { MediaPath, NegotiatedInbound } from '../media-path.ts';
import type { ReceiveOptions } from './sdp/inbound.ts';

export type { ReceiveOptions } from './sdp/inbound.ts';

export type PeerState = 'new' | 'connecting' | 'connected' | 'disconnected' | 'closed';

export interface IceCandidate {
  candidate: string;
  sdpMid?: string | null | undefined;
  sdpMLineIndex?: number | null | undefined;
  usernameFragment?: string | null | undefined;
}

export interface PeerEvents {
  /** `disconnected`: consent (RFC 7675) expired; a check or a restart brings it back. `closed` is final. */
  state: [state: PeerState, reason: string];
  /** One decrypted RTP packet of what the client sends, in a buffer of its own. */
  rtp: [packet: Uint8Array];
  /** One decrypted compound RTCP packet. */
  rtcp: [packet: Uint8Array];
  /** Text on the data channel labelled `control`. */
  control: [text: string];
}

export interface Peer {
  readonly state: PeerState;
  readonly events: Emitter<PeerEvents>;
  /** Defined from `connected` on, unless the client only publishes. */
  readonly path: MediaPath | undefined;
  /** What the client sends; defined from the first answer on where it sends anything that was wanted. */
  readonly inbound: NegotiatedInbound | undefined;
  /**
   * Answers the first offer, or an ICE restart offer on the live connection, which keeps sending meanwhile.
   * @throws GlimpseError SDP_INVALID, SDP_TOO_LARGE, CODEC_UNSUPPORTED, PEER_CLOSED
   */
  answer(offerSdp: string): Promise<string>;
  /** @throws GlimpseError CANDIDATE_INVALID */
  addCandidate(candidate: IceCandidate | null): Promise<void>;
  /** Protects and sends one compound RTCP packet; drops it while there is no path. */
  sendRtcp(packet: Uint8Array): void;
  /** False when the channel is not open or its buffer is full. */
  sendControl(text: string): boolean;
  close(reason: string): Promise<void>;
}

export interface PeerOptions {
  /** Codecs we can encode, preferred first; none: the client only publishes. */
  codecs: readonly VideoCodec[];
  /** What is wanted of what the client sends; default: nothing. */
  receive?: ReceiveOptions | undefined;
  /** Whether there is sound to send to a client that takes it. Default false. */
  sound?: boolean | undefined;
}

/** One UDP port, one certificate, many peers. */
export interface PeerHost {
  readonly address: { host: string; port: number };
  /** `ice-ufrag`s in use; for leak tests and metrics. */
  readonly peerCount: number;
  /** Datagrams refused, by reason, since start. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Checks whether an offer could be answered, without allocating a peer. @throws GlimpseError as `Peer.answer` */
  checkOffer(offerSdp: string, options: PeerOptions): void;
  createPeer(options: PeerOptions): Peer;
  close(): Promise<void>;
}
