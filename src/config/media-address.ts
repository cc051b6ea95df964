/** Default media bind address: same reachability as HTTP. */
import { isIP, isIPv6 } from 'node:net';
import { isLoopback } from '../../signaling/access/origins.ts';
import type { Config } from './config.ts';
import type { PeerHostOptions } from '../transport/peer/peer-host.ts';

/** HTTP on loopback: all addresses, for clients on this machine only. Firefox uses no loopback address in ICE. */
export function mediaAddressOf({
  host,
  rtcHost,
  rtcPort,
}: Pick<Config, 'host' | 'rtcHost' | 'rtcPort'>): Pick<PeerHostOptions, 'host' | 'port' | 'ownMachineOnly'> {
  if (rtcHost !== undefined) return { host: rtcHost, port: rtcPort };
  const wildcard = isIPv6(host) ? '::' : '0.0.0.0';
  const ownMachineOnly = isLoopback(host);
  return { host: ownMachineOnly || isIP(host) === 0 ? wildcard : host, port: rtcPort, ownMachineOnly };
}
