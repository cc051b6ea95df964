/** The whole service with the test pattern at its smallest, and viewers that are programs. */
import { WebSocket } from 'ws';
import { loadConfig } from '../../src/config/config.ts';
import { silentLog } from '../../src/log.ts';
import { startService } from '../../src/service.ts';
import type { Service, ServiceOptions } from '../../src/service.ts';
import { SignalClient } from './signaling-fixture.ts';

/** A real offer, of Chromium; nobody will connect with it. */
export { offerSdp } from './offer-sdp.ts';

export async function startPattern(
  flags: Record<string, unknown> = {},
  options: ServiceOptions = {},
): Promise<Service & AsyncDisposable> {
  const small = { port: 0, generator: 'pattern', size: '64x64', fps: 20, logLevel: 'silent' };
  const config = loadConfig({ flags: { ...small, ...flags }, environment: {} });
  const service = await startService(config, { log: silentLog, ...options });
  await service.ready;
  return Object.assign(service, { [Symbol.asyncDispose]: () => service.close('the test is over') });
}

export interface Caller {
  token?: string | undefined;
  headers?: Record<string, string>;
}

/** A WebSocket as the SDK opens it; not yet open. */
export function dial({ url }: Pick<Service, 'url'>, { token, headers = {} }: Caller = {}): SignalClient {
  const protocols = token === undefined ? [] : ['glimpse.v1', `glimpse.token.${token}`];
  return new SignalClient(new WebSocket(`${url.replace('http', 'ws')}/signal`, protocols, { headers }));
}

export function postWhep(
  { url }: Pick<Service, 'url'>,
  sdp: string,
  { token, headers = {} }: Caller = {},
): Promise<Response> {
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return fetch(`${url}/whep?prompt=a+red+ball`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp', ...authorization, ...headers },
    body: sdp,
  });
}

export async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code;
}
