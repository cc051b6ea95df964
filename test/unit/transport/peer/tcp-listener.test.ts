/** ICE over TCP: framing, and what a connection may not do. */
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { writeBindingRequest, type RemoteAddress } from '../../../../src/transport/peer/ice/stun.ts';
import { TcpListener } from '../../../../src/transport/peer/ice/tcp-listener.ts';
import { UdpMux, type MuxEndpoint } from '../../../../src/transport/peer/ice/udp-mux.ts';
import { until } from '../../../support/werift-client.ts';

const framed = (datagram: Buffer): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(datagram.length);
  return Buffer.concat([length, datagram]);
};

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  open.push(() => socket.destroy());
  socket.on('error', () => {});
  return new Promise((resolve) => socket.once('connect', () => resolve(socket)));
}

const closed = (socket: Socket) => new Promise((resolve) => socket.resume().once('close', resolve));

async function listener() {
  const datagrams: Buffer[] = [];
  const gone: RemoteAddress[] = [];
  let last: RemoteAddress | undefined;
  const tcp = await TcpListener.bind({
    host: '127.0.0.1',
    port: 0,
    onDatagram: (datagram, from) => {
      datagrams.push(Buffer.from(datagram));
      last = from;
    },
    onGone: (from) => gone.push(from),
  });
  open.push(() => tcp.close());
  return { tcp, datagrams, gone, from: () => last };
}

describe('ICE over TCP', () => {
  it('finds whole datagrams whatever pieces the stream comes in', async () => {
    const { tcp, datagrams } = await listener();
    const socket = await dial(tcp.port);
    const sent = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(1_200, 7), Buffer.from('four')];
    for (const byte of Buffer.concat(sent.map(framed))) socket.write(Buffer.of(byte));
    await until(() => datagrams.length === sent.length);
    expect(datagrams).toEqual(sent);
  });

  it('frames what it sends, and says so when a reader is too slow', async () => {
    const { tcp, from } = await listener();
    const socket = await dial(tcp.port);
    socket.write(framed(Buffer.from('hello')));
    await until(() => from() !== undefined);
    const stream = from()?.stream;
    expect(stream?.send(Buffer.from('back'))).toBe(true);
    const [bytes] = await new Promise<Buffer[]>((resolve) => socket.once('data', (data) => resolve([data])));
    expect(bytes).toEqual(framed(Buffer.from('back')));
    socket.pause();
    let taken = 0;
    while (stream?.send(Buffer.alloc(1_200)) && taken < 100_000) taken += 1;
    expect(taken).toBeLessThan(100_000);
  });

  it('ends a connection that announces a frame no peer sends', async () => {
    const { tcp, gone } = await listener();
    const socket = await dial(tcp.port);
    socket.write(Buffer.of(0xff, 0xff, 1));
    await closed(socket);
    expect(gone).toHaveLength(1);
    expect(tcp.connectionCount).toBe(0);
  });

  it('ends a connection that proves nothing in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { tcp, gone } = await listener();
      const socket = await dial(tcp.port);
      socket.write(framed(Buffer.from('only words')));
      while (tcp.connectionCount === 0) await nextTurn();
      vi.advanceTimersByTime(5_000);
      await closed(socket);
      expect(gone).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('lets one address hold no more than a few', async () => {
    const { tcp } = await listener();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => dial(tcp.port)));
    await until(() => sockets.filter(({ destroyed }) => destroyed).length >= 4);
    expect(tcp.connectionCount).toBe(16);
  });

  it('routes by the same proof as UDP, answers over the connection, and forgets the address with it', async () => {
    const mux = await UdpMux.bind('127.0.0.1', 0);
    open.push(() => mux.close());
    await mux.listenTcp(0);
    const password = 'passwordpasswordpassword';
    const checks: RemoteAddress[] = [];
    const endpoint: MuxEndpoint = {
      onCheck: (_request, from) => {
        checks.push(from);
        mux.admit(from, endpoint);
      },
      onDatagram: () => {},
      onAnswer: () => {},
    };
    mux.claim('ours', password, endpoint);
    const request = { transactionId: Buffer.alloc(12, 1), username: 'ours:theirs', useCandidate: false };
    const socket = await dial(mux.tcpPort ?? 0);
    socket.write(framed(writeBindingRequest({ ...request, password: 'not the password at all' })));
    socket.write(framed(writeBindingRequest({ ...request, password })));
    await until(() => checks.length === 1);
    expect(mux.dropped.stunIntegrity).toBe(1);
    expect(mux.addressCount).toBe(1);
    mux.send(Buffer.from('media'), checks[0]!);
    const data = await new Promise((resolve) => socket.once('data', resolve));
    expect(data).toEqual(framed(Buffer.from('media')));
    socket.destroy();
    await until(() => mux.addressCount === 0);
  });
});
