/**
 * The ICE servers that viewers should use, as sent in `welcome` and in `Link` headers (RFC 9725 section 4.6). With a
 * shared secret, each viewer gets short-lived TURN credentials (draft-uberti-behave-turn-rest-00, coturn's
 * `use-auth-secret`), so a credential copied from a page does not give lasting access to the relay.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { GlimpseError } from '../src/errors.ts';
import type { ServerMessage } from './protocol.ts';

export type IceServer = Extract<ServerMessage, { type: 'welcome' }>['iceServers'][number];

/** The ICE servers for one viewer; called once per connection. */
export type IceServers = () => IceServer[];

export interface IceServerSettings {
  /** `stun:`, `stuns:`, `turn:` or `turns:` URLs (RFC 7064, RFC 7065), comma-separated; empty for none. */
  urls: string;
  /** Secret shared with the TURN server; gives each viewer credentials that expire. */
  turnSecret?: string | undefined;
  /** Lifetime of these credentials, seconds. */
  turnTtlSeconds: number;
  /** Fixed credentials, for a TURN service that has no shared secret. */
  turnUsername?: string | undefined;
  turnCredential?: string | undefined;
}

const URL_FORM =
  /^(stuns?:(\[[0-9a-f:.]+\]|[^\s:?]+)(:\d{1,5})?|turns?:(\[[0-9a-f:.]+\]|[^\s:?]+)(:\d{1,5})?(\?transport=(udp|tcp))?)$/i;
/** Browsers warn above five and gather slowly. */
const URLS_MAX = 5;

/** @throws GlimpseError CONFIG_INVALID when a URL is malformed or a TURN server has no credentials */
export function iceServersFrom(settings: IceServerSettings, nowMs: () => number = Date.now): IceServers {
  const urls = settings.urls.split(',').flatMap((url) => url.trim() || []);
  const wrong = urls.find((url) => !URL_FORM.test(url));
  if (wrong !== undefined)
    throw invalid(`"${wrong}" is no STUN or TURN URL; example: turn:turn.example.org:3478?transport=udp`);
  if (urls.length > URLS_MAX)
    throw invalid(`there are ${urls.length} URLs; ${URLS_MAX} are the most a browser takes well`);
  const stun = urls.filter((url) => /^stun/i.test(url));
  const turn = urls.filter((url) => /^turn/i.test(url));
  const { turnSecret, turnTtlSeconds, turnUsername: username, turnCredential: credential } = settings;
  const fixed = username !== undefined && credential !== undefined ? { username, credential } : undefined;
  if (turn.length > 0 && turnSecret === undefined && fixed === undefined)
    throw invalid('a TURN server needs --turn-secret, or --turn-username and --turn-credential');
  return () => [
    ...(stun.length > 0 ? [{ urls: stun }] : []),
    ...(turn.length > 0
      ? [{ urls: turn, ...(turnSecret === undefined ? fixed : turnCredentials(turnSecret, turnTtlSeconds, nowMs())) }]
      : []),
  ];
}

/** The user name is the expiry and a random part: a TURN log can tell viewers apart and learns nothing else. */
export function turnCredentials(
  secret: string,
  ttlSeconds: number,
  nowMs: number,
): { username: string; credential: string } {
  const username = `${Math.floor(nowMs / 1000) + ttlSeconds}:${randomBytes(9).toString('base64url')}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

/** One `Link` value per URL, e.g. `<turn:t.example>; rel="ice-server"; username="u"; credential="c"; credential-type="password"`. */
export function iceServerLinks(servers: readonly IceServer[]): string[] {
  return servers.flatMap(({ urls, username, credential }) => {
    const secret =
      username === undefined || credential === undefined
        ? ''
        : `; username=${quoted(username)}; credential=${quoted(credential)}; credential-type="password"`;
    return [urls].flat().map((url) => `<${url}>; rel="ice-server"${secret}`);
  });
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`;

const invalid = (why: string): GlimpseError =>
  new GlimpseError('CONFIG_INVALID', { message: `--ice-servers: ${why}.` });
