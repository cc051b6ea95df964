/**
 * Two DTLS handshakes in memory when a host starts. They compile the code for the first viewer, and they stop a service
 * from starting whose node:crypto cannot do what a handshake needs, or whose identity checks do not work.
 */
import { systemClock } from '../../../clock.ts';
import { GlimpseError } from '../../../errors.ts';
import { createDtlsCertificate, fingerprintOf, type DtlsCertificate } from '../dtls/dtls-certificate.ts';
import { DtlsSession } from '../dtls/dtls-session.ts';
import { DtlsClient } from './dtls-client.ts';

/**
 * Connects to a server as a valid client, then as an impostor who has only the public certificate.
 * @param server the certificate that the host will present
 * @throws GlimpseError INTERNAL when the valid client is refused or the impostor is accepted
 */
export function selfTest(server: DtlsCertificate): void {
  const honest = createDtlsCertificate();
  const impostor = { ...honest, privateKey: createDtlsCertificate().privateKey };
  if (handshake(server, honest) !== 'connected') {
    throw new GlimpseError('INTERNAL', { message: 'Self-test: a handshake with ourselves failed.' });
  }
  if (handshake(server, impostor) !== 'refused') {
    throw new GlimpseError('INTERNAL', { message: 'Self-test: an impostor passed the DTLS identity checks.' });
  }
}

function handshake(server: DtlsCertificate, certificate: DtlsCertificate): 'connected' | 'refused' | 'unfinished' {
  let outcome: 'connected' | 'refused' | 'unfinished' = 'unfinished';
  const inFlight: (() => void)[] = [];
  const session = new DtlsSession({
    certificate: server,
    fingerprints: [{ hash: 'sha-256', value: fingerprintOf(certificate.der, 'sha-256') }],
    clock: systemClock,
    send: (datagram) => inFlight.push(() => client.receive(datagram)),
    onRefused: () => {},
  });
  const client = new DtlsClient({
    certificate,
    send: (datagram) => inFlight.push(() => session.receive(datagram, systemClock.nowUs())),
  });
  session.events.on('failed', () => (outcome = 'refused'));
  client.start();
  for (const deliver of inFlight) deliver();
  if (client.connected) outcome = 'connected';
  session.close();
  return outcome;
}
