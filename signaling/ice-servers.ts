/** ICE servers that viewers are told to use, as `welcome` and as `Link` headers carry them (RFC 9725 section 4.6). */
import type { ServerMessage } from './protocol.ts';

export type IceServer = Extract<ServerMessage, { type: 'welcome' }>['iceServers'][number];

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
