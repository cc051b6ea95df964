/**
 * Refuses requests by a name that is not this machine's, where only this machine is served: a page of the internet may
 * have its name point to 127.0.0.1 (DNS rebinding, CVE-2018-5703), and then reads answers as if they were its own. Its
 * name still stands in `Host`, or `:authority`. Programs without the header are no browsers.
 */
import type { MiddlewareHandler } from 'hono';
import { GlimpseError } from '../../src/errors.ts';
import { isLoopback, isThisMachine } from '../access/origins.ts';
import { hostOf } from '../http/http-access.ts';
import type { AccessEnv } from '../http/http-access.ts';

/**
 * @param bound the address that the listener is bound to; one that other machines reach has names we do not know
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
