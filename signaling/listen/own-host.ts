/**
 * Refuses requests to a host name that is not this machine's, where only this machine is served. A page on the
 * internet may point its name to 127.0.0.1 (DNS rebinding, CVE-2018-5703) and then reads answers as same-origin; but
 * `Host`, or `:authority`, still holds its name. Clients without the header are not browsers.
 */
import type { MiddlewareHandler } from 'hono';
import { GlimpseError } from '../../src/errors.ts';
import { isLoopback, isThisMachine } from '../access/origins.ts';
import { hostOf } from '../http/http-access.ts';
import type { AccessEnv } from '../http/http-access.ts';

/**
 * @param bound the address that the listener is bound to; one that other machines can reach has names unknown here
 * @throws GlimpseError HOST_FORBIDDEN
 */
export function ownHost(bound: string): MiddlewareHandler<AccessEnv> {
  return async (context, next) => {
    const host = hostOf(context);
    if (isLoopback(bound) && host !== undefined && !isThisMachine(hostName(host)))
      throw new GlimpseError('HOST_FORBIDDEN');
    await next();
  };
}

const hostName = (host: string): string => host.replace(/:\d*$/, '').replace(/\.$/, '');
