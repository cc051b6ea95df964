/** What a client says before and after its DTLS handshake: it may fail, and must neither connect nor be believed. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCertificate, readSignature } from '../../src/transport/peer/dtls/client-messages.ts';
import { provesPossession } from '../../src/transport/peer/dtls/client-proof.ts';
import type { DtlsSession } from '../../src/transport/peer/dtls/dtls-session.ts';
import { ALERT, HANDSHAKE, writeMessage } from '../../src/transport/peer/dtls/records.ts';
import { step } from '../../src/transport/peer/dtls/server-handshake.ts';
import { VirtualTime } from '../../bench/link/virtual-time.ts';
import { CLIENT, DtlsPair, SERVER, sessionFor } from '../support/dtls-pair.ts';
import { oddCertificate } from '../support/odd-certificate.ts';
import type { FuzzTarget } from './target.ts';

const HELLOS = ['chromium-156', 'firefox-153'].map((name) =>
  readFileSync(join(import.meta.dirname, `../fixtures/client-hellos/${name}.bin`)),
);
/** Server flight, alert, and a reserve. */
const ANSWER_MAX_BYTES = 1_000;

export function dtlsTargets(): FuzzTarget[] {
  return [helloTarget(), handshakeTarget(), recordTarget(), proofTarget()];
}

function helloTarget(): FuzzTarget {
  return {
    name: 'dtls-hello',
    seeds: HELLOS,
    costMaxMs: 20,
    run: (input) => {
      const next = step({ expects: 'clientHello' }, writeMessage(HANDSHAKE.clientHello, 0, input), {
        certificate: SERVER,
        fingerprints: [],
      });
      if (!('alert' in next) && next.state.expects !== 'certificate') throw new Error('another state');
    },
  };
}

/** Datagrams of another handshake of the same client, against a session that has answered a hello. */
function handshakeTarget(): FuzzTarget {
  const recorded = new DtlsPair().connect();
  const [hello, ...flight] = recorded.fromClient as [Buffer, ...Buffer[]];
  const time = new VirtualTime();
  let session: DtlsSession | undefined;
  let sentBytes = 0;
  let outcome = '';
  const begin = (): DtlsSession => {
    session?.close();
    outcome = '';
    session = sessionFor(CLIENT, time, ({ length }) => (sentBytes += length));
    session.events.on('connected', () => (outcome = 'connected'));
    session.events.on('failed', () => (outcome = 'failed'));
    session.receive(hello, time.nowUs());
    return session;
  };
  return {
    name: 'dtls-handshake',
    seeds: [...flight, Buffer.concat(flight), Buffer.concat([hello, ...flight])],
    costMaxMs: 20,
    run: (input) => {
      session ??= begin();
      time.advance(1_000);
      sentBytes = 0;
      session.receive(input, time.nowUs());
      if (outcome === 'connected') throw new Error('connected by what another handshake said');
      if (sentBytes > ANSWER_MAX_BYTES) throw new Error(`${sentBytes} bytes in answer to one datagram`);
      if (outcome === 'failed') begin();
    },
    close: () => session?.close(),
  };
}

/** Records of a live session that it has heard already, and whatever can be made of them. */
function recordTarget(): FuzzTarget {
  const pair = new DtlsPair().connect();
  for (const text of ['hello', 'x'.repeat(1_000), '']) pair.client.send(Buffer.from(text));
  pair.client.sendAlert(ALERT.warning, 90);
  const seeds = pair.fromClient.slice(-4);
  pair.time.advance(1_000);
  const heard = pair.serverHeard.length;
  return {
    name: 'dtls-record',
    seeds: [...seeds, Buffer.concat(seeds), ...pair.fromClient.slice(0, 2)],
    costMaxMs: 20,
    run: (input) => {
      pair.time.advance(1_000);
      const news = pair.session.receive(input, pair.time.nowUs());
      if (news !== 'none' || pair.serverHeard.length > heard || pair.closed)
        throw new Error('a forged record was read');
    },
    close: () => pair.session.close(),
  };
}

function proofTarget(): FuzzTarget {
  const said = Buffer.from('all that was said');
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const proofs = [
    { scheme: 0x0403, bytes: sign('sha256', said, CLIENT.privateKey) },
    { scheme: 0x0401, bytes: sign('sha256', said, privateKey) },
  ];
  return {
    name: 'dtls-proof',
    seeds: [CLIENT.der, oddCertificate(publicKey), proofs[0]!.bytes],
    costMaxMs: 20,
    run: (input) => {
      readCertificate(input);
      const signature = readSignature(input);
      if (signature) provesPossession(signature, [said], CLIENT.der);
      for (const proof of proofs) provesPossession(proof, [said], input);
      provesPossession({ scheme: 0x0403, bytes: input }, [said], CLIENT.der);
    },
  };
}
