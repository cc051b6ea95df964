/**
 * The address of a client. Behind proxies it is the last entry of X-Forwarded-For that no trusted proxy wrote: earlier
 * entries may be forged. IPv6 clients are identified by their /64, the prefix of one subscriber line.
 */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { GlimpseError } from '../../src/errors.ts';

/** Most entries read, from the right: no real chain of proxies is longer. */
const HOPS_MAX = 8;

export class ClientAddresses {
  readonly #trusted = new BlockList();

  /**
   * @param trustedProxies addresses and networks, e.g. `10.0.0.0/8, ::1`
   * @throws GlimpseError CONFIG_INVALID
   */
  constructor(trustedProxies = '') {
    for (const entry of trustedProxies.split(',').map((text) => text.trim())) if (entry !== '') this.#trust(entry);
  }

  /** @param remote the socket's peer; @param forwarded the X-Forwarded-For header */
  of(remote: string | undefined, forwarded: string | undefined): string {
    let address = plain(remote ?? '');
    const hops = (forwarded ?? '').split(',').slice(-HOPS_MAX);
    while (hops.length > 0 && this.#isTrusted(address)) {
      const before = plain(withoutPort(hops.pop()?.trim() ?? ''));
      if (isIP(before) === 0) break;
      address = before;
    }
    return isIPv6(address) ? network64(address) : address || 'unknown';
  }

  isProxy(remote: string | undefined): boolean {
    return this.#isTrusted(plain(remote ?? ''));
  }

  #isTrusted(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#trusted.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }

  #trust(entry: string): void {
    const [address = '', bits] = entry.split('/');
    const version = isIP(address);
    try {
      const family = version === 6 ? 'ipv6' : 'ipv4';
      if (version === 0) throw new TypeError('no address');
      if (bits === undefined) this.#trusted.addAddress(address, family);
      else this.#trusted.addSubnet(address, /^\d+$/.test(bits) ? Number(bits) : Number.NaN, family);
    } catch (cause) {
      const message = `trustedProxies: "${entry}" is neither an address nor a network`;
      throw new GlimpseError('CONFIG_INVALID', { message, cause });
    }
  }
}

/** A node as RFC 7239 section 6 writes it: `192.0.2.1:4711`, `"[2001:db8::1]:4711"`; Azure and IIS write the port. */
function withoutPort(hop: string): string {
  const node = hop.replace(/^"(.*)"$/, '$1');
  return /^\[([^\]]*)\](?::\d+)?$/.exec(node)?.[1] ?? /^([^:]*):\d+$/.exec(node)?.[1] ?? node;
}

const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');

/** The first four groups of an IPv6 address, without `::`. */
function network64(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  const groups = [...left, ...zeros, ...right].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${groups.join(':')}::/64`;
}
