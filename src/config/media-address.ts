/** Where the media port listens when nobody says: wherever HTTP does, and for nobody whom HTTP would not serve. */
import { isIP, isIPv6 } from 'node:net';
import { isLoopback } from '../../signaling/access/origins.ts';
import type { Config } from './config.ts';
import type { PeerHostOptions } from '../transport/peer/peer-host.ts';

/** With HTTP on loopback all addresses of this machine, for this machine only: Firefox uses no loopback address in ICE. */
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
