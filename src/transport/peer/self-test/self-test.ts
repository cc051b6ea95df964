/**
 * A DTLS handshake with ourselves at boot. It warms up the code for the first viewer, and it stops a service from
 * starting whose identity checks no longer work, for example after an upgrade of werift.
 */
import { systemClock, type Timer } from '../../../clock.ts';
import { GlimpseError } from '../../../errors.ts';
import type { PeerHost } from '../contract.ts';
import { createDtlsCertificate, type DtlsCertificate } from '../dtls/dtls-certificate.ts';
import { LoopbackClient } from './loopback-client.ts';

/** The handshake takes about 20 ms; a machine that needs seconds is too slow to stream. */
const SELF_TEST_TIMEOUT_MS = 5_000;

/**
 * Connects to `host` over loopback as a valid client, then as an impostor with only the public certificate.
 * @param address at which this machine reaches the host
 * @throws GlimpseError INTERNAL when the valid client is refused or the impostor is accepted
 */
export async function selfTest(host: PeerHost, address: string): Promise<void> {
  const [honest, other] = await Promise.all([createDtlsCertificate(), createDtlsCertificate()]);
  const impostor = { ...honest, keyPem: other.keyPem };
  if ((await handshake(host, address, honest)) !== 'connected') {
    throw new GlimpseError('INTERNAL', { message: 'Self-test: a handshake with ourselves failed.' });
  }
  if ((await handshake(host, address, impostor)) !== 'refused') {
    throw new GlimpseError('INTERNAL', { message: 'Self-test: an impostor passed the DTLS identity checks.' });
  }
}

async function handshake(
  host: PeerHost,
  address: string,
  certificate: DtlsCertificate,
): Promise<'connected' | 'refused' | 'timeout'> {
  const client = new LoopbackClient(certificate, address);
  const peer = host.createPeer({ codecs: ['VP8'] });
  let timer: Timer | undefined;
  try {
    const outcome = new Promise<'connected' | 'refused' | 'timeout'>((resolve) => {
      timer = systemClock.after(SELF_TEST_TIMEOUT_MS, () => resolve('timeout'));
      peer.events.on('state', (state, reason) => {
        if (state === 'connected') resolve('connected');
        else if (state === 'closed' && reason.startsWith('PEER_UNTRUSTED')) resolve('refused');
      });
    });
    const answer = await peer.answer(client.offer);
    void client.connect(answer, { address, port: host.address.port });
    return await outcome;
  } finally {
    timer?.close();
    await peer.close('self-test over');
    client.close();
  }
}
