/**
 * Which pages may use the server (RFC 6454). Browsers put the page's origin on every WebSocket and every cross-origin
 * request; programs send none and are not what this guards against. Pure.
 */
export type OriginPolicy =
  /** Bearer tokens are asked for: a page that has one may come from anywhere. */
  | { kind: 'any' }
  /** Pages of this machine. The Host header is not believed: a rebound DNS name (CVE-2018-5703) would match itself. */
  | { kind: 'loopback' }
  /** Pages that this server itself served. */
  | { kind: 'same-host' }
  | { kind: 'list'; origins: ReadonlySet<string> };

/**
 * @param origin the request's Origin header
 * @param host its Host header
 */
export function originAllowed(policy: OriginPolicy, origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || policy.kind === 'any') return true;
  if (policy.kind === 'list') return policy.origins.has(origin.toLowerCase());
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (policy.kind === 'loopback') return isLoopback(page.hostname);
  return host !== undefined && page.host === host.toLowerCase();
}

/** `https://a.example, http://localhost:5173` or `*`. @returns undefined for an entry that is no origin */
export function parseOrigins(text: string): OriginPolicy | undefined {
  const entries = text.split(',').map((entry) => entry.trim().toLowerCase());
  if (entries.includes('*')) return { kind: 'any' };
  const valid = entries.every((entry) => entry === 'null' || (URL.canParse(entry) && new URL(entry).origin === entry));
  return valid ? { kind: 'list', origins: new Set(entries) } : undefined;
}

/** Host names and addresses that never leave this machine. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}
