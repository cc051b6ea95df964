/**
 * One UDP port, one certificate, many peers. Runs a self-test at start, checks consent of all peers with one timer, and
 * releases everything when it closes.
 */
import { isIP } from 'node:net';
import { every, systemClock, type Clock, type Timer } from '../../clock.ts';
import { GlimpseError } from '../../errors.ts';
import { warnOfListener, type ListenerErrorHandler } from '../../events.ts';
import { LIMITS } from '../../limits.ts';
import type { PeerHost, PeerOptions } from './contract.ts';
import { createDtlsCertificate, type DtlsCertificate } from './dtls/dtls-certificate.ts';
import { negotiate } from './sdp/negotiation.ts';
import { readOffer } from './sdp/offer.ts';
import { OwnAddresses, reachableAt } from './ice/own-addresses.ts';
import { WebRtcPeer } from './peer.ts';
import { selfTest } from './self-test/self-test.ts';
import { UdpMux } from './ice/udp-mux.ts';

export interface PeerHostOptions {
  /** IP address to bind. The wildcard (`0.0.0.0`, `::`) offers every address of this machine. */
  host: string;
  /** UDP port; 0 picks a free one. */
  port: number;
  /** TCP port beside it, for viewers whose network blocks UDP; 0 picks a free one, undefined opens none. */
  tcpPort?: number | undefined;
  /** IP address that candidates name instead of the bound one: the public side of a NAT that keeps the port. */
  announceHost?: string | undefined;
  /**
   * Ignores other machines, and names loopback beside this machine's addresses: browsers that leave loopback out of ICE
   * (Firefox) reach a wildcard bind through one of those.
   */
  ownMachineOnly?: boolean | undefined;
  /** RFC 7675; see `LIMITS.consentTimeoutMs`. */
  consentTimeoutMs?: number | undefined;
  clock?: Clock | undefined;
  /** Called when a listener of a peer's events throws, and without a log also for failures in datagrams. */
  onListenerError?: ListenerErrorHandler | undefined;
  log?: PeerHostLog | undefined;
}

export interface PeerHostLog {
  info(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** Interval of the consent checks, which is also their largest delay. */
const CONSENT_SWEEP_MAX_MS = 1_000;

/**
 * @throws GlimpseError CONFIG_INVALID when the port cannot be bound or `announceHost` is not an IP address, INTERNAL
 * when the self-test fails
 * @example
 * const host = await createPeerHost({ host: '127.0.0.1', port: 0 });
 * const peer = host.createPeer({ codecs: ['VP8'] });
 * const answer = await peer.answer(offer);
 */
export async function createPeerHost(options: PeerHostOptions): Promise<PeerHost> {
  checkAddresses(options);
  const startedUs = systemClock.nowUs();
  const certificate = createDtlsCertificate();
  selfTest(certificate);
  const selfTestMs = Math.round((systemClock.nowUs() - startedUs) / 1000);
  const own = new OwnAddresses();
  const mux = await UdpMux.bind(options.host, options.port, {
    onFailure: (error) => reportFailure(error, options),
    ...(options.ownMachineOnly === true ? { accepts: (address) => own.has(address) } : {}),
  });
  if (options.tcpPort !== undefined) {
    await mux.listenTcp(options.tcpPort).catch(async (error: unknown) => {
      await mux.close();
      throw error;
    });
  }
  const host = new UdpPeerHost(mux, certificate, options);
  options.log?.info({ ...host.address, hosts: host.hosts, selfTestMs }, 'media port ready');
  return host;
}

class UdpPeerHost implements PeerHost {
  readonly address: { host: string; port: number };
  readonly #mux: UdpMux;
  readonly #certificate: DtlsCertificate;
  readonly #options: PeerHostOptions;
  readonly #clock: Clock;
  readonly #consentTimeoutMs: number;
  readonly #peers = new Set<WebRtcPeer>();
  readonly #sweep: Timer;
  #closed = false;

  constructor(mux: UdpMux, certificate: DtlsCertificate, options: PeerHostOptions) {
    this.#mux = mux;
    this.#certificate = certificate;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#consentTimeoutMs = options.consentTimeoutMs ?? LIMITS.consentTimeoutMs;
    this.address = mux.address;
    const sweepMs = Math.min(CONSENT_SWEEP_MAX_MS, this.#consentTimeoutMs / 4);
    this.#sweep = every(this.#clock, sweepMs, () => this.#checkConsent(), { background: true });
  }

  /** Addresses for candidates: the announced one, or those at which the bound one can be reached now. */
  get hosts(): readonly string[] {
    const { host, announceHost, ownMachineOnly = false } = this.#options;
    return announceHost === undefined ? reachableAt(host, ownMachineOnly) : [announceHost];
  }

  get peerCount(): number {
    return this.#mux.claimCount;
  }

  get dropped(): Readonly<Record<string, number>> {
    return this.#mux.dropped;
  }

  checkOffer(offerSdp: string, { codecs, receive }: PeerOptions): void {
    negotiate(readOffer(offerSdp), codecs, receive);
  }

  createPeer(options: PeerOptions): WebRtcPeer {
    if (this.#closed) throw new GlimpseError('SERVER_CLOSING');
    const peer = new WebRtcPeer(
      {
        mux: this.#mux,
        certificate: this.#certificate,
        hosts: this.hosts,
        clock: this.#clock,
        consentTimeoutMs: this.#consentTimeoutMs,
        onClosed: (closed) => this.#peers.delete(closed),
      },
      options,
    );
    const { onListenerError } = this.#options;
    if (onListenerError) peer.events.onListenerError = onListenerError;
    this.#peers.add(peer);
    return peer;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#sweep.close();
    await Promise.all([...this.#peers].map((peer) => peer.close('the server is shutting down')));
    await this.#mux.close();
  }

  #checkConsent(): void {
    const nowUs = this.#clock.nowUs();
    for (const peer of this.#peers) peer.checkConsent(nowUs);
  }
}

/** Reports a datagram that made our own code throw, so that a counter does not hide a bug. */
function reportFailure(error: unknown, { log, onListenerError = warnOfListener }: PeerHostOptions): void {
  if (log) log.error({ err: error }, 'a datagram failed; more of this kind are only counted');
  else onListenerError(error, 'datagram');
}

/** @throws GlimpseError CONFIG_INVALID */
function checkAddresses({ host, announceHost }: PeerHostOptions): void {
  for (const [name, value] of Object.entries({ host, announceHost })) {
    if (value === undefined || isIP(value) !== 0) continue;
    const message = `${name} must be an IP address.`;
    throw new GlimpseError('CONFIG_INVALID', { message, details: { [name]: value } });
  }
}
