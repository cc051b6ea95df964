/** The current IP addresses of this machine: they change when a laptop changes its network. */
import { isIPv6 } from 'node:net';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

/** Host candidates per family in one answer: further interfaces are usually bridges of containers. */
const HOSTS_MAX = 4;
const LOOPBACK = { IPv4: '127.0.0.1', IPv6: '::1' } as const;
const WILDCARDS: Readonly<Record<string, string>> = { '0.0.0.0': LOOPBACK.IPv4, '::': LOOPBACK.IPv6 };
/** Minimum interval between two reads of the interfaces, which a datagram from an unknown address triggers. */
const REFRESH_MS = 1_000;

const interfaces = (): NetworkInterfaceInfo[] => Object.values(networkInterfaces()).flatMap((found) => found ?? []);

/** The loopback address a wildcard includes; undefined for any other address. */
export const loopbackOf = (wildcard: string): string | undefined => WILDCARDS[wildcard];

/**
 * Addresses at which a host bound to `host` can be reached: itself, or for a wildcard every address that other machines
 * may know, or loopback where there is none. The wildcard `::` binds both families (RFC 3493 section 3.7).
 * @param withLoopback puts loopback first, for viewers on this machine
 */
export function reachableAt(host: string, withLoopback: boolean): string[] {
  if (loopbackOf(host) === undefined) return [host];
  const families = isIPv6(host) ? (['IPv6', 'IPv4'] as const) : (['IPv4'] as const);
  const found = interfaces().filter(({ internal, address }) => !internal && !address.startsWith('fe80'));
  return families.flatMap((family) => {
    const known = found.filter((own) => own.family === family).map(({ address }) => address);
    return (withLoopback || found.length === 0 ? [LOOPBACK[family], ...known] : known).slice(0, HOSTS_MAX);
  });
}

/** Recognizes the addresses of this machine. */
export class OwnAddresses {
  readonly #nowMs: () => number;
  #addresses = new Set<string>();
  #lookedAtMs = -Infinity;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  has(address: string): boolean {
    if (address.startsWith('127.') || address === LOOPBACK.IPv6 || this.#addresses.has(address)) return true;
    if (this.#nowMs() - this.#lookedAtMs < REFRESH_MS) return false;
    this.#lookedAtMs = this.#nowMs();
    this.#addresses = new Set(interfaces().map((own) => own.address));
    return this.#addresses.has(address);
  }
}
