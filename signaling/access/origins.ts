/**
 * Which pages may use the server (RFC 6454). Browsers send the page's origin with every WebSocket and every
 * cross-origin request. Other programs send none; this check does not apply to them. Pure.
 */
export type OriginPolicy =
  /** Any origin: bearer tokens are required, so a page that has one may come from anywhere. */
  | { kind: 'any' }
  /** Pages of this machine. The Host header is not trusted: a rebound DNS name (CVE-2018-5703) would match itself. */
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
  if (policy.kind === 'loopback') return isThisMachine(page.hostname);
  return host !== undefined && isSameHost(page, host);
}

/** Either side may write out a default port. */
function isSameHost(page: URL, host: string): boolean {
  const asked = `${page.protocol}//${host}`;
  return URL.canParse(asked) && page.host !== '' && new URL(asked).host === page.host;
}

/** Schemes whose origins browsers write without the default port and in lower case. */
const WEB_SCHEME = /^(https?|wss?):/;
/** Of any scheme, as apps have their own: `tauri://localhost`, `capacitor://localhost`, `chrome-extension://id`. */
const SERIALISED = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]*$/;

/**
 * `https://a.example, tauri://localhost` or `*`. Origins are compared as strings (RFC 6454 section 6.2).
 * @returns undefined for an entry that is no origin
 */
export function parseOrigins(text: string): OriginPolicy | undefined {
  const entries = text.split(',').map((entry) => entry.trim().toLowerCase());
  if (entries.includes('*')) return { kind: 'any' };
  return entries.every(isOrigin) ? { kind: 'list', origins: new Set(entries) } : undefined;
}

function isOrigin(entry: string): boolean {
  if (!WEB_SCHEME.test(entry)) return entry === 'null' || SERIALISED.test(entry);
  return URL.canParse(entry) && new URL(entry).origin === entry;
}

/** Whether a page's host is this machine, names under `.localhost` included (RFC 6761 section 6.3). */
export function isThisMachine(host: string): boolean {
  return isLoopback(host) || /\.localhost\.?$/i.test(host);
}

/** Bind addresses that no other machine can reach, and their names. A name under `.localhost` may resolve elsewhere. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}
