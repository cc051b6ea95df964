/**
 * URLs in responses, relative to the request's own (RFC 9110 section 10.2.2), so that they also work below a proxy's
 * path, which this service does not know.
 */

/**
 * @param requestUrl what was asked
 * @param target an address of this service, from its root, without the leading `/`
 * @example relativeAddress('http://h/whep?prompt=sea', 'v1/sessions/1') // 'v1/sessions/1'
 * @example relativeAddress('http://h/v1/clips/', 'v1/clips/1') // '1'
 */
export function relativeAddress(requestUrl: string, target: string): string {
  // What resolution keeps of the base: all up to its last slash (RFC 3986 section 5.2.3).
  const base = new URL(requestUrl).pathname.split('/').slice(1, -1);
  const parts = target.split('/');
  let shared = 0;
  while (shared < base.length && shared < parts.length - 1 && base[shared] === parts[shared]) shared++;
  return '../'.repeat(base.length - shared) + parts.slice(shared).join('/');
}
