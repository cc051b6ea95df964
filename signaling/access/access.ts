/**
 * The door of the service: who asks, from which page, whether they may create a session or touch one, and how fast.
 * HTTP, WHEP and WebSocket all go through it; what it refuses never reaches a session or a peer connection.
 */
import { setTimeout as sleep } from 'node:timers/promises';
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
  /** Without one, whoever comes is let in. */
  tokens?: Pick<TokenVerifier, 'verify'> | undefined;
  origins?: OriginPolicy;
  trustedProxies?: string | undefined;
  creationsPerMinute?: number;
  sessionsPerUser?: number | undefined;
  messagesPerSecond?: number;
  promptsPerSecond?: number;
  /** See signaling/access/abuse.ts; 0 scores nothing. */
  abuseScore?: number;
  /** Unix time, ms; default the system's. */
  wallMs?: () => number;
  metrics?: Pick<Metrics, 'countBy'>;
  log?: Log;
}

/** What a slowed client waits, ms: before a session, before a message. */
const SLOW_CREATION_MS = 500;
const SLOW_MESSAGE_MS = 50;
const SWEEP_INTERVAL_MS = 10_000;

/**
 * Errors that are no fault of whoever meets them, or are counted by another way. A page of a foreign origin is not its
 * visitor's doing: points for it would let any page lock its visitors out of a server, or developers out of their own.
 */
const BLAMELESS: ReadonlySet<ErrorCode> = new Set([
  'ABUSE_REFUSED',
  'ABORTED',
  'CONNECT_TIMEOUT',
  'PEER_CLOSED',
  'ORIGIN_FORBIDDEN',
  'HOST_FORBIDDEN',
  // The proxy before the service, not the viewer, dropped the header.
  'UPGRADE_REQUIRED',
]);
const CAUSES: Partial<Record<ErrorCode, AbuseCause>> = {
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN: 'unauthorized',
  RATE_LIMITED: 'flood',
  USER_LIMIT: 'flood',
  PROMPT_REFUSED: 'promptRefused',
};

/** Leave to create one session. */
export interface Admission {
  /** The session there is now: remembers whose it is, until it ends. */
  bind(session: Session): void;
  /** Nothing came of it: the place is free again, and a single-use token counts as unused. Idempotent. */
  release(): void;
}

export class Access {
  readonly #options: AccessOptions;
  readonly #addresses: ClientAddresses;
  readonly #quotas: Quotas;
  readonly #singleUse = new SingleUseTokens();
  readonly #owners = new SessionOwners();
  readonly #abuse: AbuseScores;
  readonly #sweep: NodeJS.Timeout;

  /** @throws GlimpseError CONFIG_INVALID for proxies that are no addresses */
  constructor(options: AccessOptions = {}) {
    const { creationsPerMinute = LIMITS.creationsPerMinute, sessionsPerUser, trustedProxies } = options;
    this.#options = options;
    this.#addresses = new ClientAddresses(trustedProxies);
    this.#quotas = new Quotas({ creationsPerMinute, sessionsPerUser });
    this.#abuse = new AbuseScores(options.abuseScore ?? LIMITS.abuseScore, (decision) => this.#tell(decision));
    this.#sweep = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS).unref();
  }

  /** What is done every ten seconds: forgets what has faded or expired, and ends sessions that outlived their token. */
  sweep(): void {
    this.#abuse.sweep(performance.now());
    this.#singleUse.forgetExpired(this.#nowSeconds);
    this.#owners.endExpired(this.#nowSeconds);
  }

  get needsToken(): boolean {
    return this.#options.tokens !== undefined;
  }

  /** Clients that are slowed or refused now. */
  get standing(): AbuseDecision[] {
    return this.#abuse.standing();
  }

  addressOf(remote: string | undefined, forwardedFor: string | undefined): string {
    return this.#addresses.of(remote, forwardedFor);
  }

  /** Whose share of the connections one is; undefined for a proxy's, which are of many. */
  connectionKey(remote: string | undefined): string | undefined {
    return this.#addresses.isProxy(remote) ? undefined : this.#addresses.of(remote, undefined);
  }

  /** Cross-origin headers for a page that is let in; undefined for one that is not. */
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
   * Who comes with this token from this address.
   * @throws GlimpseError UNAUTHORIZED, AUTH_DOWN, ABUSE_REFUSED
   */
  async identify(token: string | undefined, address: string): Promise<Identity> {
    const { tokens } = this.#options;
    if (!tokens) return this.#unlessRefused(addressIdentity(address));
    // Whoever has a valid token is not answerable for the neighbours behind the same address.
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
   * For a connection that was opened with a token: it is looked at again before each offer, restart and resume.
   * @throws GlimpseError UNAUTHORIZED when it has expired since
   */
  requireFresh(identity: Identity): void {
    requireFresh(identity, this.#nowSeconds);
  }

  hasExpired(identity: Identity): boolean {
    return hasExpired(identity, this.#nowSeconds);
  }

  /**
   * Whether this client may touch the session; a newer token than its last lets it live longer.
   * @throws GlimpseError FORBIDDEN, UNAUTHORIZED
   */
  requireSession(identity: Identity, sessionId: string): void {
    this.requireFresh(identity);
    this.#owners.require(identity, sessionId);
  }

  /** Looks, before any body is read, whether a creation could be admitted. @throws as `admit` */
  async checkAdmission(identity: Identity): Promise<void> {
    const { key, claims } = identity;
    this.requireFresh(identity);
    if (claims?.glimpse_sid !== undefined)
      throw new GlimpseError('FORBIDDEN', { message: 'The token creates no session.' });
    await this.#quotas.check(key, claims?.limits, this.#owners.leftBy(key));
  }

  /**
   * Counts a session about to be created; slowed clients wait here.
   * @throws GlimpseError RATE_LIMITED, USER_LIMIT, FORBIDDEN, UNAUTHORIZED for a single-use token that was used
   */
  async admit(identity: Identity): Promise<Admission> {
    const { key, claims } = identity;
    await this.checkAdmission(identity);
    // A user's own session that waits for a viewer who left gives its place to their new one.
    if (this.#quotas.isFull(key, claims?.limits)) this.#owners.endLeft(key);
    const release = await this.#quotas.take(key, claims?.limits);
    const once = claims?.once === true ? claims : undefined;
    try {
      if (once?.jti !== undefined) this.#singleUse.use(once.jti, once.exp);
    } catch (error) {
      release();
      throw error;
    }
    if (this.#abuse.level(key, performance.now()) === 'slow') await sleep(SLOW_CREATION_MS);
    return {
      bind: (session) => this.#own(session, identity, release),
      release: () => {
        release();
        if (once?.jti !== undefined) this.#singleUse.giveBack(once.jti);
      },
    };
  }

  /** Whose session it is; undefined after its end. */
  ownerOf(sessionId: string): Identity | undefined {
    return this.#owners.of(sessionId);
  }

  /** The viewer's socket is gone, or there is one again: what waits for its viewer may give its place up. */
  setLeft(sessionId: string, left: boolean): void {
    this.#owners.setLeft(sessionId, left);
  }

  /** A bucket for the messages of one connection or session. */
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

  /** What a client's next message waits, ms. @throws GlimpseError ABUSE_REFUSED */
  messageDelayMs(identity: Identity): number {
    this.#unlessRefused(identity);
    return this.#abuse.level(identity.key, performance.now()) === 'slow' ? SLOW_MESSAGE_MS : 0;
  }

  /** Something of this client had to be refused with this error. */
  noteError(who: Identity | string, { code, status }: GlimpseError): void {
    if (BLAMELESS.has(code) || (status >= 500 && CAUSES[code] === undefined)) return;
    this.note(who, CAUSES[code] ?? 'refusal');
  }

  /** @param who an identity, or an address without one */
  note(who: Identity | string, cause: AbuseCause): void {
    this.#abuse.note(typeof who === 'string' ? addressKey(who) : who.key, cause, performance.now());
  }

  close(): void {
    clearInterval(this.#sweep);
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
