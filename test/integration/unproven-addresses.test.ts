/** The media port says nothing to an address that has not proved itself, and a flood from one keeps nobody out. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { createDtlsCertificate } from '../../src/transport/peer/dtls/dtls-certificate.ts';
import { LoopbackClient } from '../../bench/support/wire/loopback-client.ts';
import { writeBindingRequest } from '../../src/transport/peer/ice/stun.ts';
import { codeOf, dial, offerSdp, postWhep, startPattern } from '../support/pattern-service.ts';
import { until } from '../support/werift-client.ts';

async function udpSocket(): Promise<{ socket: Socket; port: number; heard: Buffer[] }> {
  const socket = createSocket('udp4');
  const heard: Buffer[] = [];
  socket.on('message', (datagram) => heard.push(datagram));
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  return { socket, port: socket.address().port, heard };
}

const candidates = (port: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `a=candidate:${index} 1 udp ${index + 1} 127.0.0.1 ${port} typ host`);

/** A whole connection of a program that is not a browser. */
async function connect(service: { url: string; peers: { address: { host: string; port: number } } }): Promise<void> {
  const client = new LoopbackClient(createDtlsCertificate(), '127.0.0.1');
  const response = await postWhep(service, client.offer);
  expect(response.status).toBe(201);
  const answer = await response.text();
  await client.connect(answer, { address: '127.0.0.1', port: service.peers.address.port });
  await fetch(new URL(response.headers.get('Location') ?? '', `${service.url}/whep`), { method: 'DELETE' });
  client.close();
}

describe('an address that has not proved itself', () => {
  it('is sent nothing, however many candidates of an offer name it', async () => {
    await using service = await startPattern();
    const { socket, port, heard } = await udpSocket();
    const many = await postWhep(service, offerSdp({ extra: candidates(port, 500) }));
    expect(many.status).toBe(201);
    const tooMany = await postWhep(service, offerSdp({ extra: candidates(port, 600) }));
    expect([tooMany.status, await codeOf(tooMany)]).toEqual([413, 'SDP_TOO_LARGE']);
    const client = dial(service);
    await client.next('welcome');
    await client.offer();
    for (const candidate of candidates(port, 500))
      client.send({ type: 'candidate', candidate: { candidate: candidate.slice(2), sdpMid: '0' } });
    for (let refused = LIMITS.candidatesMax; refused < 500; refused++) await client.next('error');
    // And a whole connection has been made in the meantime.
    await connect(service);
    expect(heard).toEqual([]);
    client.socket.terminate();
    socket.close();
  });

  it('gets no answer to a check without the password, nor to DTLS, however much it sends', async () => {
    await using service = await startPattern();
    const { socket, heard } = await udpSocket();
    const { port } = service.peers.address;
    const answer = await (await postWhep(service, offerSdp())).text();
    const ufrag = /^a=ice-ufrag:(.+)$/m.exec(answer)![1]!.trim();
    const guess = { transactionId: Buffer.alloc(12, 7), username: `${ufrag}:abcd`, useCandidate: true };
    for (let count = 0; count < 50; count++) {
      socket.send(writeBindingRequest({ ...guess, password: `a guess of ${count}` }), port, '127.0.0.1');
      socket.send(Buffer.from(`16feff0000000000000${count % 10}0001`.padEnd(400, '0'), 'hex'), port, '127.0.0.1');
    }
    await until(() => (service.peers.dropped['stunIntegrity'] ?? 0) + (service.peers.dropped['offPath'] ?? 0) >= 100);
    expect(heard).toEqual([]);
    socket.close();
  });

  it('keeps nobody out by a flood of DTLS hellos', async () => {
    await using service = await startPattern();
    const { socket, heard } = await udpSocket();
    const { port } = service.peers.address;
    const hello = Buffer.alloc(200, 1);
    Buffer.from('16fefd00000000000000bb', 'hex').copy(hello);
    const flood = setInterval(() => {
      for (let count = 0; count < 40; count++) socket.send(hello, port, '127.0.0.1');
    }, 10);
    await until(() => (service.peers.dropped['offPath'] ?? 0) > 100);
    for (let session = 0; session < 5; session++) await connect(service);
    clearInterval(flood);
    expect(heard).toEqual([]);
    socket.close();
  });
});
