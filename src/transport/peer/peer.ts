/**
 * One viewer's connection: answers offers, and combines ICE-lite, DTLS, SRTP and the control channel behind the `Peer`
 * contract. It does not use werift's RTCPeerConnection: we would have to override its senders, gathering, candidate
 * checks and DTLS, and only SCTP would remain.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { Emitter } from '../../events.ts';
import { LIMITS } from '../../limits.ts';
import { Budget } from '../budget.ts';
import { buildGoodbye } from '../goodbye.ts';
import type { MediaPath, NegotiatedAudio, NegotiatedInbound, NegotiatedVideo } from '../media-path.ts';
import { writeAnswer } from './sdp/answer.ts';
import { checkCandidate, checkCandidateCount } from './sdp/candidate.ts';
import type { IceCandidate, Peer, PeerEvents, PeerOptions, PeerState } from './contract.ts';
import { ControlChannel } from './control-channel.ts';
import type { DtlsCertificate } from './dtls/dtls-certificate.ts';
import { DtlsSession } from './dtls/dtls-session.ts';
import { IceLite } from './ice/ice-lite.ts';
import { h264Of } from './sdp/codec-choice.ts';
import { negotiate, type Negotiation } from './sdp/negotiation.ts';
import { readOffer, type Offer } from './sdp/offer.ts';
import { invalid } from './sdp/offer-lines.ts';
import { SrtcpSession } from './srtp/srtcp-session.ts';
import type { SrtpMasterKeys } from './srtp/srtp-keys.ts';
import { SrtpReceiver } from './srtp/srtp-receiver.ts';
import { SrtpSender } from './srtp/srtp-sender.ts';
import type { BindingRequest, BindingSuccess, RemoteAddress } from './ice/stun.ts';
import type { MuxEndpoint, UdpMux } from './ice/udp-mux.ts';

/** What all peers of a host share. */
export interface PeerContext {
  mux: UdpMux;
  certificate: DtlsCertificate;
  /** Addresses for host candidates. */
  hosts: readonly string[];
  clock: Clock;
  consentTimeoutMs: number;
  onClosed: (peer: WebRtcPeer) => void;
}

/** RFC 7983: first bytes of the protocols that share the port. */
const FIRST_BYTE = { dtlsMin: 20, dtlsMax: 63, rtpMin: 128, rtpMax: 191 } as const;
/** Checks that a peer may send: a browser with a dozen pairs sends twenty a second while it connects. */
const CHECKS_PER_SECOND = { perSecond: 200, burst: 400 };
/** After this silence we check consent ourselves. RFC 7675 section 5.1 has every peer check every five seconds. */
const ASK_CONSENT_MS = 5_000;
/** RTCP compounds that a viewer may send: a browser sends tens a second, and more while it requests lost packets. */
const RTCP_PER_SECOND = { perSecond: 500, burst: 1_000 };
/** Media that a client may send, bytes; a packet costs at least as much as a small one. */
const RTP_BYTES_PER_SECOND = { perSecond: 2_500_000, burst: 2_500_000 };
const RTP_PACKET_COST = 200;
/** RFC 5761: second bytes of RTCP packets. */
const RTCP_TYPE = { min: 192, max: 223 } as const;

export class WebRtcPeer implements Peer, MuxEndpoint {
  readonly events = new Emitter<PeerEvents>();
  readonly #context: PeerContext;
  readonly #options: PeerOptions;
  readonly #ice: IceLite;
  readonly #sessionId = String(randomInt(2 ** 47));
  readonly #cname = randomBytes(12).toString('base64url');
  readonly #stunBudget = new Budget(CHECKS_PER_SECOND);
  readonly #rtcpBudget = new Budget(RTCP_PER_SECOND);
  readonly #rtpBudget = new Budget(RTP_BYTES_PER_SECOND);
  #state: PeerState = 'new';
  #answers = 0;
  #candidates = 0;
  #negotiation: Negotiation | undefined;
  #video: NegotiatedVideo | undefined;
  #audio: NegotiatedAudio | undefined;
  #dtls: DtlsSession | undefined;
  #srtcp: SrtcpSession | undefined;
  #receiver: SrtpReceiver | undefined;
  #inbound: NegotiatedInbound | undefined;
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

  get inbound(): NegotiatedInbound | undefined {
    return this.#inbound;
  }

  async answer(offerSdp: string): Promise<string> {
    if (this.#state === 'closed') throw new GlimpseError('PEER_CLOSED');
    const offer = readOffer(offerSdp);
    const { codecs, receive, sound } = this.#options;
    const negotiation = negotiate(offer, codecs, receive, sound);
    if (this.#negotiation === undefined) this.#begin(offer, negotiation);
    else assertSameConnection(this.#negotiation, negotiation);
    this.#negotiation = negotiation;
    this.#candidates = 0;
    this.#ice.begin(negotiation.remote.iceUfrag, negotiation.remote.icePassword);
    this.#answers += 1;
    return writeAnswer({
      offer,
      negotiation,
      video: this.#video,
      audio: this.#audio,
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

  sendRtcp(packet: Uint8Array): void {
    if (this.#canSend && this.#srtcp) this.#ice.send(this.#srtcp.protect(packet));
  }

  async close(reason: string): Promise<void> {
    if (this.#state === 'closed') return;
    if (this.#path) this.sendRtcp(buildGoodbye(this.#path.video, this.#audio, this.#cname));
    this.#setState('closed', reason);
    this.events.clear();
    await this.#control?.close();
    this.#dtls?.close();
    this.#context.mux.forget(this);
    this.#context.onClosed(this);
  }

  onCheck(request: BindingRequest, from: RemoteAddress): void {
    const { mux, clock } = this.#context;
    const nowUs = clock.nowUs();
    if (!this.#stunBudget.take(1, nowUs)) mux.drop('unexpected');
    else if (!this.#ice.check(request, from, nowUs)) mux.drop('stunUnknownUfrag');
    else this.#heard();
  }

  onAnswer(datagram: Buffer, answer: BindingSuccess, from: RemoteAddress): void {
    if (!this.#ice.onAnswer(datagram, answer, from, this.#context.clock.nowUs()))
      this.#context.mux.drop('stunIntegrity');
    else this.#heard();
  }

  onDatagram(datagram: Buffer, from: RemoteAddress): void {
    const [first = 0, second = 0] = datagram;
    this.#ice.onReceived(from, datagram.length);
    if (first >= FIRST_BYTE.dtlsMin && first <= FIRST_BYTE.dtlsMax) this.#receiveDtls(datagram, from);
    else if (first < FIRST_BYTE.rtpMin || first > FIRST_BYTE.rtpMax) this.#context.mux.drop('unexpected');
    else if (second >= RTCP_TYPE.min && second <= RTCP_TYPE.max) this.#receiveRtcp(datagram, from);
    else this.#receiveRtp(datagram, from);
  }

  /**
   * RFC 7675: stops sending after `consentTimeoutMs` without authenticated input from the address that gets media. The
   * host calls this.
   */
  checkConsent(nowUs: number): void {
    const { heardUs } = this.#ice;
    if (this.#state !== 'connected' || heardUs === undefined) return;
    const silentMs = (nowUs - heardUs) / 1_000;
    if (silentMs >= ASK_CONSENT_MS) this.#ice.askConsent(nowUs);
    if (silentMs < this.#context.consentTimeoutMs) return;
    this.#ice.loseConsent();
    this.#setState('disconnected', 'consent ran out');
  }

  #heard(): void {
    if (this.#state === 'disconnected' && this.#ice.remote) this.#setState('connected', 'the client is back');
  }

  #receiveDtls(datagram: Buffer, from: RemoteAddress): void {
    const nowUs = this.#context.clock.nowUs();
    const news = this.#dtls?.receive(datagram, nowUs);
    if (news === 'none' || news === undefined) return;
    this.#ice.onAuthentic(from, nowUs);
    if (news === 'proof') this.#ice.onProof(from);
    this.#heard();
  }

  #begin(offer: Offer, negotiation: Negotiation): void {
    if (negotiation.sends) this.#video = describeVideo(offer, negotiation);
    this.#audio = describeAudio(offer, negotiation);
    this.#inbound = describeInbound(negotiation, this.#video?.ssrc ?? randomInt(1, 2 ** 32 - 1), this.#cname);
    const dtls = new DtlsSession({
      certificate: this.#context.certificate,
      fingerprints: negotiation.remote.fingerprints,
      send: (datagram) => this.#ice.send(datagram),
      onRefused: () => this.#context.mux.drop('dtlsRefused'),
      clock: this.#context.clock,
    });
    this.#dtls = dtls;
    dtls.events.onListenerError = this.events.onListenerError;
    dtls.events.on('connected', (keys) => this.#connect(dtls, keys));
    dtls.events.on('failed', ({ code, message }) => void this.close(`${code}: ${message}`));
    dtls.events.on('closed', () => void this.close('the client closed the connection'));
    this.#setState('connecting', 'the offer was answered');
  }

  #connect(dtls: DtlsSession, keys: SrtpMasterKeys): void {
    const { clock } = this.#context;
    const srtcp = new SrtcpSession(keys);
    this.#srtcp = srtcp;
    if (this.#inbound) this.#receiver = new SrtpReceiver(keys);
    if (this.#video) {
      this.#path = new SrtpSender({
        video: this.#video,
        audio: this.#audio,
        cname: this.#cname,
        keys,
        srtcp,
        clock,
        canSend: () => this.#canSend,
        send: (datagram) => this.#ice.send(datagram),
      });
    }
    const remoteSctpPort = this.#negotiation?.remoteSctpPort;
    if (remoteSctpPort !== undefined) this.#openControl(dtls, remoteSctpPort);
    this.#setState('connected', 'DTLS connected');
  }

  #openControl(dtls: DtlsSession, remoteSctpPort: number): void {
    const control = new ControlChannel((packet) => dtls.send(packet), remoteSctpPort);
    this.#control = control;
    control.events.onListenerError = this.events.onListenerError;
    control.events.on('text', (text) => {
      if (Buffer.byteLength(text) <= LIMITS.messageMaxBytes) this.events.emit('control', text);
    });
    control.events.on('failed', () => void this.close('the data channel failed'));
    dtls.events.on('data', (packet) => {
      if (!control.receive(packet, this.#context.clock.nowUs())) this.#context.mux.drop('sctpRefused');
    });
  }

  get #canSend(): boolean {
    return this.#state === 'connected' && this.#ice.remote !== undefined;
  }

  #receiveRtp(datagram: Buffer, from: RemoteAddress): void {
    const { mux, clock } = this.#context;
    const nowUs = clock.nowUs();
    if (this.#receiver === undefined) return mux.drop('unexpected');
    // The budget comes first: opening a packet is what costs.
    const affordable = this.#rtpBudget.take(Math.max(datagram.length, RTP_PACKET_COST), nowUs);
    const packet = affordable ? this.#receiver.unprotect(datagram) : undefined;
    if (packet === undefined) return mux.drop('srtpRefused');
    this.#ice.onAuthentic(from, nowUs);
    this.#heard();
    this.events.emit('rtp', packet);
  }

  #receiveRtcp(datagram: Buffer, from: RemoteAddress): void {
    const compound = this.#srtcp?.unprotect(datagram);
    const { mux, clock } = this.#context;
    const nowUs = clock.nowUs();
    if (compound === undefined || !this.#rtcpBudget.take(1, nowUs)) return mux.drop('srtcpRefused');
    this.#ice.onAuthentic(from, nowUs);
    this.#heard();
    this.events.emit('rtcp', compound);
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

/** We choose the SSRCs: random (RFC 3550 section 8) and different. */
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

function describeInbound({ received }: Negotiation, reportSsrc: number, cname: string): NegotiatedInbound | undefined {
  if (received === undefined) return undefined;
  const { video, audio, transportWideCc } = received;
  return {
    video: video && {
      codec: video.codec,
      payloadType: video.payloadType,
      rtxPayloadType: video.rtxPayloadType,
      feedback: video.feedback,
    },
    audio: audio && { payloadType: audio.payloadType },
    transportWideCc,
    reportSsrc,
    cname,
  };
}

/** A random SSRC of its own: one of the video's two would be as likely as any other number. */
function describeAudio(offer: Offer, { sound }: Negotiation): NegotiatedAudio | undefined {
  if (!sound) return undefined;
  const { index, ...agreed } = sound;
  return { ...agreed, ssrc: randomInt(1, 2 ** 32 - 1), mid: offer.sections[index]?.mid ?? '', clockRateHz: 48_000 };
}

/** A later offer may restart ICE; a new identity or another codec needs a new connection. */
function assertSameConnection(before: Negotiation, after: Negotiation): void {
  if (identityOf(before) !== identityOf(after)) throw invalid('the DTLS identity changed on a live connection');
  if (mediaOf(before) !== mediaOf(after)) throw invalid('the media changed on a live connection');
}

function identityOf({ remote }: Negotiation): string {
  return JSON.stringify(remote.fingerprints);
}

function mediaOf(negotiation: Negotiation): string {
  const { videoIndex, codec, payloadType, rtxPayloadType, extensions, received, sound } = negotiation;
  const inbound = [received?.video?.index, received?.video?.payloadType, received?.audio?.payloadType];
  return JSON.stringify([videoIndex, codec, payloadType, rtxPayloadType, extensions, inbound, sound]);
}
