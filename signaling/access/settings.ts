/**
 * Derives access control from the service's settings. Without tokens only this machine has access: a server that other
 * machines can reach must either require tokens or be configured explicitly to be open.
 */
import type { Config } from '../../src/config/config.ts';
import { GlimpseError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Log } from '../../src/log.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import { Access } from './access.ts';
import { isLoopback, parseOrigins } from './origins.ts';
import type { OriginPolicy } from './origins.ts';
import { TokenVerifier } from './tokens.ts';

/** @throws GlimpseError CONFIG_INVALID */
export async function accessOf(config: Config, { metrics, log }: { metrics: Metrics; log: Log }): Promise<Access> {
  const needsTokens = asksForTokens(config);
  if (!needsTokens && !isLoopback(config.host) && !config.insecureNoAuth) {
    const message =
      `host ${config.host} lets other machines in, and there are no tokens: give --auth-secret or --auth-jwks, ` +
      'or --insecure-no-auth if anyone who reaches the port may use it.';
    throw new GlimpseError('CONFIG_INVALID', { message });
  }
  const { authSecret: secret, authJwks: jwks, authAudience: audience, authIssuer: issuer } = config;
  const development = !needsTokens && isLoopback(config.host);
  return new Access({
    tokens: needsTokens ? await TokenVerifier.create({ secret, jwks, audience, issuer }) : undefined,
    origins: originsOf(config),
    trustedProxies: config.trustedProxies,
    creationsPerMinute: config.creationsPerMinute,
    sessionsPerUser: config.maxSessionsPerUser ?? (development ? undefined : LIMITS.sessionsPerUserMax),
    messagesPerSecond: config.messagesPerSecond,
    promptsPerSecond: config.promptsPerSecond,
    abuseScore: config.abuseScore,
    metrics,
    log,
  });
}

/** Where metrics are served: if other machines can connect, never on the port that they reach. */
export function metricsPlaceOf(config: Config): 'here' | 'nowhere' | { host: string; port: number } {
  const { host, metricsHost, metricsPort, authSecret, authJwks } = config;
  if (metricsPort !== undefined) return { host: metricsHost, port: metricsPort };
  // Tokens on a loopback address imply a proxy in front, which forwards everything.
  return isLoopback(host) && authSecret === undefined && authJwks === undefined ? 'here' : 'nowhere';
}

/** Warnings for the operator at start. */
export function warnings(config: Config): string[] {
  const found: string[] = [];
  if (!asksForTokens(config)) {
    found.push(
      isLoopback(config.host)
        ? 'DEVELOPMENT MODE: no tokens are asked for; only this machine can reach the server. Set --auth-secret or --auth-jwks before it is put behind a proxy.'
        : 'INSECURE: no tokens are asked for, and other machines can reach the server: anyone who reaches the port may use it.',
    );
  }
  if (config.metricsPort === undefined) {
    if (metricsPlaceOf(config) === 'nowhere') found.push('there are no metrics: give --metrics-port');
  } else if (!isLoopback(config.metricsHost)) {
    found.push('the metrics port can be reached from other machines, and asks for no token');
  }
  return found;
}

const asksForTokens = ({ authSecret, authJwks }: Config): boolean => authSecret !== undefined || authJwks !== undefined;

function originsOf(config: Config): OriginPolicy {
  if (config.allowedOrigins !== undefined) {
    const listed = parseOrigins(config.allowedOrigins);
    if (listed) return listed;
    const message =
      'allowedOrigins: origins like https://a.example or tauri://localhost, without a path, with commas; or *';
    throw new GlimpseError('CONFIG_INVALID', { message });
  }
  if (asksForTokens(config)) return { kind: 'any' };
  return { kind: isLoopback(config.host) ? 'loopback' : 'same-host' };
}
