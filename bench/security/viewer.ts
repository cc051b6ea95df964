/** A viewer that is a program: WHEP, a real DTLS handshake, and what it takes to stay. */
import { createDtlsCertificate } from '../../src/transport/peer/dtls/dtls-certificate.ts';
import { LoopbackClient } from '../support/wire/loopback-client.ts';
import type { Target } from './target.ts';

/** RFC 7675: consent is given every few seconds. */
const CONSENT_INTERVAL_MS = 4_000;

const certificate = createDtlsCertificate();

export function post(target: Target, sdp: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${target.url}/whep?prompt=a+red+ball`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp', ...headers },
    body: sdp,
  });
}

/** Connects for good; resolves once DTLS is up. @returns ends it */
export async function watch(target: Target, headers: Record<string, string> = {}): Promise<() => Promise<void>> {
  const client = new LoopbackClient(certificate, '127.0.0.1');
  const response = await post(target, client.offer, headers);
  const answer = await response.text();
  if (response.status !== 201) throw new Error(`WHEP answered ${response.status}: ${answer}`);
  await client.connect(answer, { address: '127.0.0.1', port: target.mediaPort });
  const consent = setInterval(() => client.check(answer), CONSENT_INTERVAL_MS);
  return async () => {
    clearInterval(consent);
    await fetch(new URL(response.headers.get('Location') ?? '', `${target.url}/whep`), { method: 'DELETE', headers });
    client.close();
  };
}
