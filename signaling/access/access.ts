/**
 * Access control: identifies the client, checks the page's origin, decides whether it may create or use a session, and
 * limits its rate. HTTP, WHEP and WebSocket all use it before a request reaches a session or peer connection.
 */
import { every, sleep, systemClock, type Timer } from '../../src/clock.ts';
import { GlimpseError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { silentLog } from '../../src/log.ts';
import type { Log } from '../../src/log.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import type { Session } from '../../src/session/contract.ts';
import { AbuseScores } from './abuse.ts';
import type { AbuseCause, AbuseDecision } from './abuse.ts';
import { ClientAddresses } from './addresses.ts';
import { addressIdentity, addressKey, tokenIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import { hasExpired, requireFresh, SessionOwners } from './owners.ts';
import { originAllowed } from './origins.ts';
import type { OriginPolicy } from './origins.ts';
import { Quotas } from './quotas.ts';
import { SingleUseTokens } from './single-use.ts';
import { TokenBucket } from './token-bucket.ts';
import { unauthorized } from './tokens.ts';
import type { TokenVerifier } from './tokens.ts';

export interface AccessOptions {
  /** When left out, every client is admitted. */
  tokens?: Pick<TokenVerifier, 'verify'> | undefined;
  origins?: OriginPolicy;
  trustedProxies?: string | undefined;
  creationsPerMinute?: number;
  sessionsPerUser?: number | undefined;
  messagesPerSecond?: number;
  promptsPerSecond?: number;
  /** See signaling/access/abuse.ts; 0 disables scoring. */
  abuseScore?: number;
  /** Unix time, ms; default the system's. */
  wallMs?: () => number;
  metrics?: Pick<Metrics, 'countBy'>;
  log?: Log;
}

/** Delay of a slowed client, ms: before a session, before a message. */
const SLOW_CREATION_MS = 500;
const SLOW_MESSAGE_MS = 50;
const SWEEP_INTERVAL_MS = 10_000;

/**
 * Errors that score no points: they are not the client's fault, or are counted elsewhere. A visitor does not choose a
 * page's origin: with points, any page could lock its visitors, or developers, out of a server.
 */
const BLAMELESS: ReadonlySet<ErrorCode> = new Set([
  'ABUSE_REFUSED',
  'ABORTED',
  'CONNECT_TIMEOUT',
  'PEER_CLOSED',
  'ORIGIN_FORBIDDEN',
  'HOST_FORBIDDEN',
  // The proxy in front of the service dropped the header, not the viewer.
  'UPGRADE_REQUIRED',
]);
const CAUSES: Partial<Record<ErrorCode, AbuseCause>> = {
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN: 'unauthorized',
  RATE_LIMITED: 'flood',
  USER_LIMIT: 'flood',
  PROMPT_REFUSED: 'promptRefused',
};

/** Permission to create one session. */
export interface Admission {
  /** The session was created: records its owner until it ends. */
  bind(session: Session): void;
  /** No session was created: frees the place and marks a single-use token as unused. Idempotent. */
  release(): void;
}

export class Access {
  readonly #options: AccessOptions;
  readonly #addresses: ClientAddresses;
  readonly #quotas: Quotas;
  readonly #singleUse = new SingleUseTokens();
  readonly #owners = new SessionOwners();
  readonly #abuse: AbuseScores;
  readonly #sweep: Timer;

  /** @throws GlimpseError CONFIG_INVALID when a trusted proxy is not an address */
  constructor(options: AccessOptions = {}) {
    const { creationsPerMinute = LIMITS.creationsPerMinute, sessionsPerUser, trustedProxies } = options;
    this.#options = options;
    this.#addresses = new ClientAddresses(trustedProxies);
    this.#quotas = new Quotas({ creationsPerMinute, sessionsPerUser });
    this.#abuse = new AbuseScores(options.abuseScore ?? LIMITS.abuseScore, (decision) => this.#tell(decision));
    this.#sweep = every(systemClock, SWEEP_INTERVAL_MS, () => this.sweep(), { background: true });
  }

  /** Runs every ten seconds: deletes decayed and expired entries, and ends sessions that outlived their token. */
  sweep(): void {
    this.#abuse.sweep(performance.now());
    this.#singleUse.forgetExpired(this.#nowSeconds);
    this.#owners.endExpired(this.#nowSeconds);
  }

  get needsToken(): boolean {
    return this.#options.tokens !== undefined;
  }

  /** Clients that are slowed or refused at present. */
  get standing(): AbuseDecision[] {
    return this.#abuse.standing();
  }

  addressOf(remote: string | undefined, forwardedFor: string | undefined): string {
    return this.#addresses.of(remote, forwardedFor);
  }

  /** Key of the client's connection share; undefined for a proxy, which carries many clients. */
  connectionKey(remote: string | undefined): string | undefined {
    return this.#addresses.isProxy(remote) ? undefined : this.#addresses.of(remote, undefined);
  }

  /** Cross-origin headers for an allowed page; undefined for any other. */
  corsOrigin(origin: string | undefined, host: string | undefined): string | undefined {
    const { origins = { kind: 'any' } } = this.#options;
    if (origins.kind === 'any' || origin === undefined) return '*';
    return originAllowed(origins, origin, host) ? origin : undefined;
  }

  /** @throws GlimpseError ORIGIN_FORBIDDEN */
  requireOrigin(origin: string | undefined, host: string | undefined): void {
    if (this.corsOrigin(origin, host) === undefined) throw new GlimpseError('ORIGIN_FORBIDDEN');
  }

  /**
   * Identifies the client from its token and address.
   * @throws GlimpseError UNAUTHORIZED, AUTH_DOWN, ABUSE_REFUSED
   */
  async identify(token: string | undefined, address: string): Promise<Identity> {
    const { tokens } = this.#options;
    if (!tokens) return this.#unlessRefused(addressIdentity(address));
    // A client with a valid token is not refused for others behind the same address.
    if (token === undefined) {
      this.#unlessRefused(addressIdentity(address));
      throw unauthorized('there is none');
    }
    const claims = await tokens.verify(token).catch((error: unknown) => {
      this.#unlessRefused(addressIdentity(address));
      throw error;
    });
    return this.#unlessRefused(tokenIdentity(token, claims, address));
  }

  /**
   * Checks the token of an open connection again, before each offer, restart and resume.
   * @throws GlimpseError UNAUTHORIZED when it has expired since
   */
  requireFresh(identity: Identity): void {
    requireFresh(identity, this.#nowSeconds);
  }

  hasExpired(identity: Identity): boolean {
    return hasExpired(identity, this.#nowSeconds);
  }

  /**
   * Checks that this client may use the session. A newer token than its last one extends the session's life.
   * @throws GlimpseError FORBIDDEN, UNAUTHORIZED
   */
  requireSession(identity: Identity, sessionId: string): void {
    this.requireFresh(identity);
    this.#owners.require(identity, sessionId);
  }

  /** Checks, before a body is read, whether a creation could be admitted. @throws as `admit` */
  async checkAdmission(identity: Identity): Promise<void> {
    const { key, claims } = identity;
    this.requireFresh(identity);
    if (claims?.glimpse_sid !== undefined)
      throw new GlimpseError('FORBIDDEN', { message: 'The token does not permit a new session.' });
    await this.#quotas.check(key, claims?.limits, this.#owners.leftBy(key));
  }

  /**
   * Counts a session about to be created; a slowed client waits here.
   * @throws GlimpseError RATE_LIMITED, USER_LIMIT, FORBIDDEN, UNAUTHORIZED for a single-use token that was used
   */
  async admit(identity: Identity): Promise<Admission> {
    const { key, claims } = identity;
    await this.checkAdmission(identity);
    // A user's session whose viewer has left makes room for the same user's new session.
    if (this.#quotas.isFull(key, claims?.limits)) this.#owners.endLeft(key);
    const release = await this.#quotas.take(key, claims?.limits);
    const once = claims?.once === true ? claims : undefined;
    try {
      if (once?.jti !== undefined) this.#singleUse.use(once.jti, once.exp);
    } catch (error) {
      release();
      throw error;
    }
    if (this.#abuse.level(key, performance.now()) === 'slow') await sleep(systemClock, SLOW_CREATION_MS);
    return {
      bind: (session) => this.#own(session, identity, release),
      release: () => {
        release();
        if (once?.jti !== undefined) this.#singleUse.giveBack(once.jti);
      },
    };
  }

  /** Owner of a session; undefined after its end. */
  ownerOf(sessionId: string): Identity | undefined {
    return this.#owners.of(sessionId);
  }

  /** The viewer's socket has closed or reopened: a session whose viewer has left may make room for another. */
  setLeft(sessionId: string, left: boolean): void {
    this.#owners.setLeft(sessionId, left);
  }

  /** A token bucket for the messages of one connection or session. */
  messageBucket(identity: Identity | undefined): TokenBucket {
    const { messagesPerSecond = LIMITS.messagesPerSecond } = this.#options;
    const perSecond = identity?.claims?.limits?.messagesPerSecond ?? messagesPerSecond;
    return new TokenBucket({ perSecond, burst: perSecond * LIMITS.messagesBurstSeconds }, performance.now());
  }

  promptBucket(identity: Identity | undefined): TokenBucket {
    const { promptsPerSecond = LIMITS.promptsPerSecond } = this.#options;
    const perSecond = identity?.claims?.limits?.promptsPerSecond ?? promptsPerSecond;
    return new TokenBucket({ perSecond, burst: perSecond * LIMITS.promptsBurstSeconds }, performance.now());
  }

  /** Delay before the client's next message, ms. @throws GlimpseError ABUSE_REFUSED */
  messageDelayMs(identity: Identity): number {
    this.#unlessRefused(identity);
    return this.#abuse.level(identity.key, performance.now()) === 'slow' ? SLOW_MESSAGE_MS : 0;
  }

  /** Scores a request of this client that was refused with this error. */
  noteError(who: Identity | string, { code, status }: GlimpseError): void {
    if (BLAMELESS.has(code) || (status >= 500 && CAUSES[code] === undefined)) return;
    this.note(who, CAUSES[code] ?? 'refusal');
  }

  /** @param who an identity, or an address where there is none */
  note(who: Identity | string, cause: AbuseCause): void {
    this.#abuse.note(typeof who === 'string' ? addressKey(who) : who.key, cause, performance.now());
  }

  close(): void {
    this.#sweep.close();
  }

  get #nowSeconds(): number {
    return (this.#options.wallMs?.() ?? Date.now()) / 1_000;
  }

  #own(session: Session, identity: Identity, release: () => void): void {
    this.#owners.add(session, identity, release);
    session.events.on('closed', () => {
      this.#owners.remove(session.id);
      release();
      if (session.stats.timeToConnectMs === null) this.note(identity, 'neverWatched');
    });
  }

  #unlessRefused(identity: Identity): Identity {
    if (this.#abuse.level(identity.key, performance.now()) !== 'refuse') return identity;
    throw new GlimpseError('ABUSE_REFUSED', { retryAfterMs: this.#abuse.retryAfterMs(identity.key) });
  }

  #tell(decision: AbuseDecision): void {
    const { metrics, log = silentLog } = this.#options;
    const words = { none: 'a client is let in as before', slow: 'a client is slowed', refuse: 'a client is refused' };
    metrics?.countBy('abuseDecisions', { level: decision.level, cause: decision.cause });
    log.warn({ ...decision }, words[decision.level]);
  }
}
