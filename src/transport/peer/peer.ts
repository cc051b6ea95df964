/**
 * One viewer's connection: reads offers, answers them, and puts ICE-lite, DTLS, SRTP and the control channel together
 * behind the `Peer` contract. werift's RTCPeerConnection is not used: its sender machinery, gathering and candidate
 * checks would all have to be overridden, and what is left of it is DTLS and SCTP.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { Emitter } from '../../events.ts';
import { LIMITS } from '../../limits.ts';
import { Budget } from '../budget.ts';
import type { MediaPath, NegotiatedVideo } from '../media-path.ts';
import { writeAnswer } from './answer.ts';
import { checkCandidate, checkCandidateCount } from './candidate.ts';
import type { IceCandidate, Peer, PeerEvents, PeerOptions, PeerState } from './contract.ts';
import { ControlChannel } from './control-channel.ts';
import type { DtlsCertificate } from './dtls-certificate.ts';
import { DtlsSession } from './dtls-session.ts';
import { IceLite } from './ice-lite.ts';
import { h264Of, negotiate, type Negotiation } from './negotiation.ts';
import { invalid, readOffer, type Offer } from './offer.ts';
import { SrtcpSession } from './srtcp-session.ts';
import type { SrtpMasterKeys } from './srtp-keys.ts';
import { SrtpSender } from './srtp-sender.ts';
import type { BindingRequest, RemoteAddress } from './stun.ts';
import type { MuxEndpoint, UdpMux } from './udp-mux.ts';

/** What a peer shares with the others of its host. */
export interface PeerContext {
  mux: UdpMux;
  certificate: DtlsCertificate;
  /** Addresses for host candidates. */
  hosts: readonly string[];
  clock: Clock;
  consentTimeoutMs: number;
  onClosed: (peer: WebRtcPeer) => void;
}

/** RFC 7983: first bytes of what may share the port. */
const FIRST_BYTE = { dtlsMin: 20, dtlsMax: 63, rtpMin: 128, rtpMax: 191 } as const;
/** Compounds a viewer may send: a browser sends some tens a second, and more while it asks for lost packets. */
const RTCP_PER_SECOND = { perSecond: 500, burst: 1_000 };
/** RFC 5761: second bytes that mean RTCP. */
const RTCP_TYPE = { min: 192, max: 223 } as const;

export class WebRtcPeer implements Peer, MuxEndpoint {
  readonly events = new Emitter<PeerEvents>();
  readonly #context: PeerContext;
  readonly #options: PeerOptions;
  readonly #ice: IceLite;
  readonly #sessionId = String(randomInt(2 ** 47));
  readonly #cname = randomBytes(12).toString('base64url');
  readonly #rtcpBudget = new Budget(RTCP_PER_SECOND);
  #state: PeerState = 'new';
  #answers = 0;
  #candidates = 0;
  #negotiation: Negotiation | undefined;
  #video: NegotiatedVideo | undefined;
  #dtls: DtlsSession | undefined;
  #srtcp: SrtcpSession | undefined;
  #path: SrtpSender | undefined;
  #control: ControlChannel | undefined;

  constructor(context: PeerContext, options: PeerOptions) {
    this.#context = context;
    this.#options = options;
    this.#ice = new IceLite(context.mux, this);
  }

  get state(): PeerState {
    return this.#state;
  }

  get path(): MediaPath | undefined {
    return this.#path;
  }

  async answer(offerSdp: string): Promise<string> {
    if (this.#state === 'closed') throw new GlimpseError('PEER_CLOSED');
    const offer = readOffer(offerSdp);
    const negotiation = negotiate(offer, this.#options.codecs);
    if (this.#negotiation === undefined) this.#begin(offer, negotiation);
    else assertSameConnection(this.#negotiation, negotiation);
    this.#negotiation = negotiation;
    this.#candidates = 0;
    this.#ice.begin(negotiation.remote.iceUfrag, negotiation.remote.icePassword);
    this.#answers += 1;
    return writeAnswer({
      offer,
      negotiation,
      video: this.#video!,
      sessionId: this.#sessionId,
      sessionVersion: this.#answers,
      cname: this.#cname,
      ice: this.#ice.local,
      fingerprint: this.#context.certificate.fingerprint,
      hosts: this.#context.hosts,
      port: this.#context.mux.address.port,
      tcpPort: this.#context.mux.tcpPort,
    });
  }

  async addCandidate(candidate: IceCandidate | null): Promise<void> {
    if (this.#state === 'closed') throw new GlimpseError('PEER_CLOSED');
    if (candidate !== null) this.#admitCandidate(candidate.candidate);
  }

  sendControl(text: string): boolean {
    return this.#control?.send(text) ?? false;
  }

  async close(reason: string): Promise<void> {
    if (this.#state === 'closed') return;
    this.#setState('closed', reason);
    this.events.clear();
    await this.#control?.close();
    this.#dtls?.close();
    this.#context.mux.forget(this);
    this.#context.onClosed(this);
  }

  onCheck(request: BindingRequest, from: RemoteAddress): void {
    if (!this.#ice.check(request, from, this.#context.clock.nowUs())) this.#context.mux.drop('stunUnknownUfrag');
    else if (this.#state === 'disconnected') this.#setState('connected', 'the client is back');
  }

  onDatagram(datagram: Buffer, from: RemoteAddress): void {
    const [first = 0, second = 0] = datagram;
    if (first >= FIRST_BYTE.dtlsMin && first <= FIRST_BYTE.dtlsMax) {
      // Before nomination the handshake goes back to whoever began it.
      if (this.#path === undefined) this.#ice.remote ??= from;
      this.#dtls?.receive(datagram);
    } else if (first >= FIRST_BYTE.rtpMin && first <= FIRST_BYTE.rtpMax) {
      if (second >= RTCP_TYPE.min && second <= RTCP_TYPE.max) this.#receiveRtcp(datagram);
      else this.#context.mux.drop('unexpected');
    } else this.#context.mux.drop('unexpected');
  }

  /** RFC 7675: without an authenticated check for `consentTimeoutMs` nothing more is sent. The host calls this. */
  checkConsent(nowUs: number): void {
    if (this.#state !== 'connected') return;
    const silentMs = (nowUs - this.#ice.lastCheckUs) / 1000;
    if (silentMs >= this.#context.consentTimeoutMs) this.#setState('disconnected', 'consent ran out');
  }

  #begin(offer: Offer, negotiation: Negotiation): void {
    this.#video = describeVideo(offer, negotiation);
    const dtls = new DtlsSession({
      certificate: this.#context.certificate,
      fingerprints: negotiation.remote.fingerprints,
      send: (datagram) => this.#send(datagram),
      onRefused: () => this.#context.mux.drop('dtlsPlaintext'),
    });
    this.#dtls = dtls;
    dtls.events.on('connected', (keys) => this.#connect(dtls, keys));
    dtls.events.on('failed', ({ code, message }) => void this.close(`${code}: ${message}`));
    dtls.events.on('closed', () => void this.close('the client closed the connection'));
    this.#setState('connecting', 'the offer was answered');
  }

  #connect(dtls: DtlsSession, keys: SrtpMasterKeys): void {
    const { clock } = this.#context;
    const srtcp = new SrtcpSession(keys);
    this.#srtcp = srtcp;
    this.#path = new SrtpSender({
      video: this.#video!,
      keys,
      srtcp,
      clock,
      canSend: () => this.#state === 'connected' && this.#ice.remote !== undefined,
      send: (datagram) => this.#send(datagram),
    });
    const remoteSctpPort = this.#negotiation?.remoteSctpPort;
    if (remoteSctpPort !== undefined) this.#openControl(dtls, remoteSctpPort);
    this.#setState('connected', 'DTLS connected');
  }

  #openControl(dtls: DtlsSession, remoteSctpPort: number): void {
    const control = new ControlChannel((packet) => dtls.send(packet), remoteSctpPort);
    this.#control = control;
    control.events.on('text', (text) => {
      if (Buffer.byteLength(text) <= LIMITS.messageMaxBytes) this.events.emit('control', text);
    });
    control.events.on('failed', () => void this.close('the data channel failed'));
    dtls.events.on('data', (packet) => {
      if (!control.receive(packet, this.#context.clock.nowUs())) this.#context.mux.drop('sctpRefused');
    });
  }

  #receiveRtcp(datagram: Buffer): void {
    const compound = this.#srtcp?.unprotect(datagram);
    const { mux, clock } = this.#context;
    if (compound === undefined || !this.#rtcpBudget.take(1, clock.nowUs())) mux.drop('srtcpRefused');
    else this.events.emit('rtcp', compound);
  }

  #send(datagram: Buffer): void {
    const { remote } = this.#ice;
    if (remote !== undefined) this.#context.mux.send(datagram, remote);
  }

  #admitCandidate(candidate: string): void {
    checkCandidate(candidate);
    this.#candidates += 1;
    checkCandidateCount(this.#candidates);
  }

  #setState(state: PeerState, reason: string): void {
    this.#state = state;
    this.events.emit('state', state, reason);
  }
}

/** SSRCs are ours to choose: random (RFC 3550 section 8) and different. */
function describeVideo(offer: Offer, negotiation: Negotiation): NegotiatedVideo {
  const { codec, payloadType, rtxPayloadType, extensions, feedback, videoIndex } = negotiation;
  const ssrc = randomInt(1, 2 ** 32 - 1);
  return {
    codec,
    payloadType,
    ssrc,
    rtx: rtxPayloadType === undefined ? undefined : { payloadType: rtxPayloadType, ssrc: ssrc + 1 },
    mid: offer.sections[videoIndex]?.mid ?? '',
    clockRateHz: 90_000,
    extensions,
    feedback,
    h264: h264Of(negotiation),
  };
}

/** A later offer may restart ICE; a new identity or another codec needs a new connection. */
function assertSameConnection(before: Negotiation, after: Negotiation): void {
  if (identityOf(before) !== identityOf(after)) throw invalid('the DTLS identity changed on a live connection');
  if (mediaOf(before) !== mediaOf(after)) throw invalid('the video section changed on a live connection');
}

function identityOf({ remote }: Negotiation): string {
  return JSON.stringify(remote.fingerprints);
}

function mediaOf({ videoIndex, codec, payloadType, rtxPayloadType, extensions }: Negotiation): string {
  return JSON.stringify([videoIndex, codec, payloadType, rtxPayloadType, extensions]);
}
