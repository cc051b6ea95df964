/** Peers that never touch a network: a test decides when they connect, fall silent, or close. */
import { Emitter } from '../../../src/events.ts';
import type { IceCandidate, Peer, PeerEvents, PeerHost, PeerState } from '../../../src/transport/peer/contract.ts';
import type { MediaPath, NegotiatedInbound, NegotiatedVideo } from '../../../src/transport/media-path.ts';
import { ArrayMediaPath } from './array-media-path.ts';

export class FakePeer implements Peer {
  readonly events = new Emitter<PeerEvents>();
  readonly sent: ArrayMediaPath;
  readonly controls: string[] = [];
  state: PeerState = 'new';
  path: MediaPath | undefined;
  inbound: NegotiatedInbound | undefined;

  /** @param video what is agreed on; default VP8 */
  constructor(video?: NegotiatedVideo) {
    this.sent = new ArrayMediaPath(video);
  }

  async answer(offerSdp: string): Promise<string> {
    this.state = 'connecting';
    return `answer to ${offerSdp}`;
  }

  async addCandidate(_candidate: IceCandidate | null): Promise<void> {}

  sendRtcp(packet: Uint8Array): void {
    this.sent.sendRtcp(packet);
  }

  sendControl(text: string): boolean {
    this.controls.push(text);
    return true;
  }

  connect(): void {
    this.path = this.sent;
    this.become('connected', 'the test says so');
  }

  become(state: PeerState, reason: string): void {
    this.state = state;
    this.events.emit('state', state, reason);
  }

  async close(reason: string): Promise<void> {
    if (this.state !== 'closed') this.become('closed', reason);
  }
}

export class FakePeerHost implements PeerHost {
  readonly address = { host: '127.0.0.1', port: 1 };
  readonly dropped = {};
  readonly peers: FakePeer[] = [];
  readonly #video: NegotiatedVideo | undefined;

  /** @param video what each of its peers agrees on; default VP8 */
  constructor(video?: NegotiatedVideo) {
    this.#video = video;
  }

  get peerCount(): number {
    return this.peers.filter(({ state }) => state !== 'closed').length;
  }

  get last(): FakePeer {
    const peer = this.peers.at(-1);
    if (!peer) throw new Error('no peer was created');
    return peer;
  }

  checkOffer(): void {}

  createPeer(): Peer {
    const peer = new FakePeer(this.#video);
    this.peers.push(peer);
    return peer;
  }

  async close(): Promise<void> {}
}
