/** Which methods an address supports, for 405 and its `Allow` header (RFC 9110 sections 15.5.6 and 10.2.1). */
import type { Env, Hono } from 'hono';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
/** Routes to ignore: middleware is registered for every method, and the page's files for every path. */
const isAddress = ({ method, path }: { method: string; path: string }): boolean =>
  method !== 'ALL' && !path.endsWith('*');

/** @returns empty where no route matches `path`, whatever the method */
export function allowedMethods<E extends Env>(app: Hono<E>, path: string): string[] {
  const taken = METHODS.filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method && isAddress(route)),
  );
  return taken.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}
