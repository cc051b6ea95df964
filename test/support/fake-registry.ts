/**
 * A registry whose sessions make no pictures: they keep the contract's promises about input and remember what they were
 * told, so that signaling can be tested over real sockets without anything below it.
 */
import { GlimpseError } from '../../src/errors.ts';
import { Emitter } from '../../src/events.ts';
import { LIMITS } from '../../src/limits.ts';
import type {
  Accepted,
  Control,
  Publication,
  PublicationEvents,
  Session,
  SessionEvents,
  SessionRegistry,
  SessionRequest,
  SessionStats,
  User,
  ViewerReport,
} from '../../src/session/contract.ts';
import { VIDEO_CODECS, type VideoCodec } from '../../src/media/encode/encoder.ts';
import type { IceCandidate } from '../../src/transport/peer/contract.ts';
import { negotiate } from '../../src/transport/peer/sdp/negotiation.ts';
import { readOffer } from '../../src/transport/peer/sdp/offer.ts';
import { offerSdp } from './offer-sdp.ts';

export const SERVER_CANDIDATE = 'candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host';

export class FakeSession implements Session {
  readonly id: string;
  readonly resumeToken: string;
  readonly events = new Emitter<SessionEvents>();
  room: Session['room'];
  readonly request: SessionRequest;
  readonly user: User | undefined;
  /** What came in, in order. */
  readonly offers: string[] = [];
  readonly restarts: string[] = [];
  readonly candidates: (IceCandidate | null)[] = [];
  readonly publications: FakePublication[] = [];
  readonly controls: Control[] = [];
  /** What went out on the data channel. */
  readonly channel: string[] = [];
  closedWith: string | undefined;
  /** Set to make the next answer or restart fail. */
  failNext: GlimpseError | undefined;
  /** Awaited before an answer is given. */
  gate: Promise<void> = Promise.resolve();
  #revision = 0;
  #seed = 7;
  #prompt: string;

  constructor(id: string, request: SessionRequest, user?: User) {
    this.id = id;
    this.user = user;
    this.resumeToken = `token-of-${id}`;
    this.request = request;
    this.#prompt = request.prompt;
    this.#seed = request.seed ?? 7;
  }

  /** What viewers said they saw. */
  readonly reports: ViewerReport[] = [];

  report(seen: ViewerReport): void {
    this.reports.push(seen);
  }

  async answer(sdp: string): Promise<string> {
    checkOffer(sdp, this.request.codec);
    this.offers.push(sdp);
    return this.#reply(this.offers.length);
  }

  async restart(sdp: string): Promise<string> {
    checkOffer(sdp, this.request.codec);
    this.restarts.push(sdp);
    return this.#reply(100 + this.restarts.length);
  }

  async publish(offerSdp: string): Promise<{ publication: Publication; answerSdp: string }> {
    checkCameraOffer(offerSdp);
    const answerSdp = await this.#reply(200 + this.publications.length);
    const publication = new FakePublication(`camera-${this.publications.length + 1}`, offerSdp);
    this.publications.push(publication);
    return { publication, answerSdp };
  }

  async addCandidate(candidate: IceCandidate | null): Promise<void> {
    if (candidate?.candidate.includes('.local')) throw new GlimpseError('CANDIDATE_INVALID');
    this.candidates.push(candidate);
  }

  async control(message: Control): Promise<Accepted> {
    if (message.type === 'prompt') checkPrompt(message.prompt);
    if (message.type === 'seek' && this.request.mode === 'live') throw new GlimpseError('PARAMETER_INVALID');
    this.controls.push(message);
    this.#revision++;
    if (message.type === 'prompt') this.#prompt = message.prompt;
    return this.accepted;
  }

  get accepted(): Promise<Accepted> {
    return Promise.resolve({ revision: this.#revision, queuePosition: 0, seed: this.#seed, prompt: this.#prompt });
  }

  get stats(): SessionStats {
    return { ...STATS, mode: this.request.mode, revision: this.#revision };
  }

  sendChannel(text: string): boolean {
    this.channel.push(text);
    return true;
  }

  async close(reason: string): Promise<void> {
    if (this.closedWith !== undefined) return;
    this.closedWith = reason;
    this.events.emit('closed', reason);
    this.events.clear();
  }

  /** Answers like an ice-lite server with one port: its candidate is in the answer. */
  async #reply(serial: number): Promise<string> {
    await this.gate;
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure) throw failure;
    return offerSdp({ ufrag: `srv${serial}`, extra: [`a=${SERVER_CANDIDATE}`] }).replace(
      't=0 0',
      't=0 0\r\na=ice-lite',
    );
  }
}

/** A camera's connection that never touches a network. */
export class FakePublication implements Publication {
  readonly id: string;
  readonly events = new Emitter<PublicationEvents>();
  readonly offers: string[];
  readonly candidates: (IceCandidate | null)[] = [];
  closedWith: string | undefined;

  constructor(id: string, offerSdpText: string) {
    this.id = id;
    this.offers = [offerSdpText];
  }

  async restart(sdp: string): Promise<string> {
    checkCameraOffer(sdp);
    this.offers.push(sdp);
    return offerSdp({ ufrag: `cam${this.offers.length}`, extra: [`a=${SERVER_CANDIDATE}`] });
  }

  async addCandidate(candidate: IceCandidate | null): Promise<void> {
    this.candidates.push(candidate);
  }

  async close(reason: string): Promise<void> {
    this.closedWith = reason;
    this.events.emit('closed', reason);
  }
}

export class FakeRegistry implements SessionRegistry {
  readonly sessions = new Map<string, FakeSession>();
  /** Every session ever created, oldest first. */
  readonly created: FakeSession[] = [];
  /** Called with each new session, e.g. to make its answer wait. */
  onCreate: (session: FakeSession) => void = () => {};
  max: number = LIMITS.sessionsMax;

  get size(): number {
    return this.sessions.size;
  }

  /** The session created last. */
  get latest(): FakeSession {
    const session = this.created.at(-1);
    if (!session) throw new Error('no session was created');
    return session;
  }

  async create(request: SessionRequest, user?: User): Promise<Session> {
    checkPrompt(request.prompt);
    if (this.size >= this.max) throw new GlimpseError('SESSION_LIMIT', { retryAfterMs: 1_500 });
    const session = new FakeSession(`session-${this.created.length + 1}`, request, user);
    this.sessions.set(session.id, session);
    this.created.push(session);
    session.events.on('closed', () => this.sessions.delete(session.id));
    this.onCreate(session);
    return session;
  }

  checkOffer(offerSdp: string, codec: VideoCodec | undefined): void {
    checkOffer(offerSdp, codec);
  }

  hasRoom(): boolean {
    return false;
  }

  get(id: string): Session {
    const session = this.sessions.get(id);
    if (!session) throw new GlimpseError('SESSION_NOT_FOUND');
    return session;
  }

  resume(id: string, resumeToken: string): Session {
    const session = this.get(id);
    if (session.resumeToken !== resumeToken) throw new GlimpseError('UNAUTHORIZED');
    return session;
  }

  async close(reason: string): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => session.close(reason)));
  }
}

/** Reads the offer as a real session does. */
function checkOffer(sdp: string, codec: VideoCodec | undefined): void {
  negotiate(readOffer(sdp), codec === undefined ? VIDEO_CODECS : [codec]);
}

function checkCameraOffer(sdp: string): void {
  negotiate(readOffer(sdp), [], { codecs: VIDEO_CODECS, audio: true });
}

function checkPrompt(prompt: string): void {
  if (prompt.trim() === '') throw new GlimpseError('PROMPT_EMPTY');
  if (prompt.length > LIMITS.promptMaxChars) throw new GlimpseError('PROMPT_TOO_LONG');
}

export const STATS: SessionStats = {
  state: 'live',
  mode: 'live',
  paused: false,
  revision: 0,
  playheadMs: 0,
  durationMs: null,
  tier: 'draft',
  tierCap: 'refined',
  widthPx: 256,
  heightPx: 256,
  targetBps: 500_000,
  sentBps: 400_000,
  fps: 12,
  rttMs: null,
  lossRatio: 0,
  pacerQueueMs: 0,
  networkQueueMs: 0,
  playoutReserveMs: 0,
  estimatorReason: 'start',
  keyframes: 1,
  framesSent: 12,
  lateFrames: 0,
  nacks: 0,
  plis: 0,
  packetsSent: 20,
  retransmitted: 0,
  codec: 'VP8',
  timeToConnectMs: null,
  timeToFirstFrameMs: null,
  timeToDraftMs: null,
  timeToRefinedMs: null,
};
