/** What a peer that completed DTLS may send as SCTP: everything below stopped the process, or made it work for minutes. */
import { Event, RTCSctpTransport, type RTCDtlsTransport } from 'werift';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlChannel } from '../../../../../src/transport/peer/control-channel.ts';
import { CHUNK } from '../../../../../src/transport/peer/sctp/packet.ts';
import { init } from '../../../../../bench/security/sctp-packet.ts';
import { chunk, data, packetOf, sack, SctpPeer, u16, u32 } from '../../../../support/sctp-peer.ts';
import { until } from '../../../../support/werift-client.ts';

const CHUNK_TYPES = Object.values(CHUNK);
const EMPTY = Buffer.alloc(0);

let peer: SctpPeer;
beforeEach(async () => {
  peer = new SctpPeer();
  await peer.establish();
});
afterEach(() => peer.channel.close());

describe('a length that lies', () => {
  it.each(CHUNK_TYPES)('of chunk type %i ends the connection and not the event loop', async (type) => {
    for (const length of [0, 1, 3, 5, 0xffff]) {
      const other = new SctpPeer();
      await other.establish();
      expect(await other.send(chunk(type, 0, EMPTY, length))).toBe(false);
      expect(other.failures).toHaveLength(1);
      await other.channel.close();
    }
  });

  it.each([
    ['INIT', CHUNK.init, Buffer.concat([u32(1, 100_000), u16(10, 10), u32(1)])],
    ['INIT ACK', CHUNK.initAck, Buffer.concat([u32(1, 100_000), u16(10, 10), u32(1)])],
    ['HEARTBEAT', CHUNK.heartbeat, EMPTY],
    ['HEARTBEAT ACK', CHUNK.heartbeatAck, EMPTY],
    ['ABORT', CHUNK.abort, EMPTY],
    ['ERROR', CHUNK.error, EMPTY],
    ['RE-CONFIG', CHUNK.reconfig, EMPTY],
  ])('of a parameter of %s does so too', async (_name, type, before) => {
    for (const length of [0, 3, 9]) {
      const other = new SctpPeer();
      await other.establish();
      const body = Buffer.concat([before, u16(1, length), Buffer.alloc(4)]);
      expect(await other.deliver(packetOf(type === CHUNK.init ? 0 : other.tag, chunk(type, 0, body)))).toBe(false);
      expect(other.failures).toHaveLength(1);
      await other.channel.close();
    }
  });
});

describe('a packet that is not for this association', () => {
  it('is left out: another tag, an unknown chunk, DATA before INIT', async () => {
    expect(await peer.deliver(packetOf(peer.tag ^ 1, data(peer.firstTsn, 'hello')))).toBe(false);
    expect(await peer.send(chunk(200, 0, Buffer.alloc(4)))).toBe(false);
    const fresh = new SctpPeer();
    expect(await fresh.deliver(packetOf(0, data(1, 'hello')))).toBe(false);
    expect([...peer.failures, ...fresh.failures]).toEqual([]);
    await fresh.channel.close();
  });
});

describe('SACK', () => {
  it('with gap blocks of what was never sent ends the connection', async () => {
    const gaps = Array.from({ length: 280 }, () => [0, 65_535] as const);
    expect(await peer.send(sack(peer.theirTsn - 1, gaps))).toBe(false);
    expect(peer.failures).toHaveLength(1);
  });

  it.each([
    ['an end beyond what was sent', [[1, 3]]],
    [
      'blocks that go back',
      [
        [2, 2],
        [1, 1],
      ],
    ],
    ['an end before its start', [[2, 1]]],
  ] as const)('with %s is no SACK', async (_name, gaps) => {
    expect(await peer.send(sack(peer.theirTsn - 1, gaps))).toBe(false);
    expect(peer.failures).toHaveLength(1);
  });

  it('that acknowledges what was never sent is no SACK', async () => {
    expect(await peer.send(sack(peer.theirTsn + 5, []))).toBe(false);
    expect(peer.failures).toHaveLength(1);
  });

  it('that counts more blocks than it holds is no SACK', async () => {
    const lie = chunk(CHUNK.sack, 0, Buffer.concat([u32(peer.theirTsn - 1, 1_000), u16(60_000, 60_000)]));
    expect(await peer.send(lie)).toBe(false);
    expect(peer.failures).toHaveLength(1);
  });

  it('of what was sent is taken', async () => {
    expect(await peer.send(sack(peer.theirTsn - 1, [], 2))).toBe(true);
    expect(peer.failures).toEqual([]);
  });
});

describe('DATA with holes', () => {
  it('is taken up to 16 of them, however much is sent, and no answer is larger than 16 blocks', async () => {
    let taken = 0;
    for (let hole = 1; hole <= 200; hole++) if (await peer.send(data(peer.firstTsn + 2 * hole, 'x'))) taken += 1;
    expect(taken).toBe(16);
    expect(Math.max(...peer.answers.map(({ length }) => length))).toBeLessThanOrEqual(12 + 16 + 4 * 16 + 4 * 16);
    expect(peer.failures).toEqual([]);
  });

  it('is delivered once the holes are filled', async () => {
    for (const tsn of [2, 1, 4, 3, 0]) await peer.send(data(peer.firstTsn + tsn, 'x', { flags: 7 }));
    // The last SACK acknowledges all five.
    expect(peer.answers.at(-1)!.readUInt32BE(16)).toBe(peer.firstTsn + 4);
  });

  it('far ahead of its turn is left out', async () => {
    expect(await peer.send(data(peer.firstTsn + 600, 'x'))).toBe(false);
    expect(peer.failures).toEqual([]);
  });
});

describe('what an association holds', () => {
  it('ends with a message that never ends', async () => {
    const piece = 'x'.repeat(1_000);
    let sent = 0;
    while (peer.failures.length === 0 && sent < 2_000)
      await peer.send(data(peer.firstTsn + sent++, piece, { flags: 0 }));
    expect(sent).toBeLessThan(300);
  });

  it('ends with streams without number', async () => {
    for (let stream = 0; stream < 80; stream++) await peer.send(data(peer.firstTsn + stream, 'x', { stream }));
    expect(peer.failures).toHaveLength(1);
  });

  it('ends when the peer begins anew over and over, and leaves TSNs behind each time', async () => {
    let cycles = 0;
    for (; cycles < 50 && peer.failures.length === 0; cycles++) {
      const first = peer.firstTsn + 1_000 * cycles;
      await peer.deliver(packetOf(0, init(7, first)));
      for (let tsn = first + 2; tsn < first + 200; tsn++) await peer.send(data(tsn, 'x'));
      peer.nowUs += 1_000_000;
    }
    expect(cycles).toBeLessThan(10);
  });

  it('ends when answers that are never acknowledged pile up', async () => {
    // DATA_CHANNEL_OPEN of one stream, over and over: each is answered by an ACK, and the peer's window is closed.
    const open = Buffer.concat([Buffer.from([3, 0, 0, 0]), u32(0), u16(0, 0)]);
    await peer.send(sack(peer.theirTsn - 1, []));
    for (let count = 0; count < 3_000 && peer.failures.length === 0; count++) {
      peer.nowUs += 10_000;
      const body = Buffer.concat([u32(peer.firstTsn + count), u16(0, count), u32(50), open]);
      await peer.send(chunk(CHUNK.data, 3, body));
    }
    expect(peer.failures).toHaveLength(1);
  });

  it('is answered within its budget', async () => {
    for (let count = 0; count < 5_000; count++) await peer.send(chunk(CHUNK.heartbeat, 0, EMPTY));
    expect(peer.answers.length).toBeLessThanOrEqual(2_010);
    peer.nowUs += 1_000_000;
    expect(await peer.send(chunk(CHUNK.heartbeat, 0, EMPTY))).toBe(true);
  });

  it('lets one packet ask for four answers and no more', async () => {
    const many = Array.from({ length: 5 }, () => chunk(CHUNK.heartbeat, 0, EMPTY));
    expect(await peer.send(...many.slice(0, 4))).toBe(true);
    expect(await peer.send(...many)).toBe(false);
    expect(peer.failures).toHaveLength(1);
  });
});

describe('an honest client', () => {
  it('sends the largest message over a network that loses and reorders', async () => {
    const client = new RTCSctpTransport(5000, 96 * 1024);
    const dtls = {
      id: 'client',
      state: 'connected',
      onStateChange: new Event<[string]>(),
      iceTransport: { role: 'controlling' },
      dataReceiver: undefined as ((packet: Buffer) => void) | undefined,
      sendData: async (packet: Buffer) => {
        sent += 1;
        // One in nine is lost; one in five overtaken by the next.
        if (sent % 9 === 5) return;
        if (sent % 5 === 3) setTimeout(() => server.receive(packet, 0), 3);
        else setImmediate(() => server.receive(packet, 0));
      },
    };
    let sent = 0;
    const heard: string[] = [];
    const failures: unknown[] = [];
    const server = new ControlChannel(async (packet) => void setImmediate(() => dtls.dataReceiver?.(packet)), 5000);
    server.events.on('text', (text) => heard.push(text));
    server.events.on('failed', (error) => failures.push(error));
    client.setDtlsTransport(dtls as unknown as RTCDtlsTransport);
    const { RTCDataChannel, RTCDataChannelParameters } = await import('werift');
    const channel = new RTCDataChannel(client, new RTCDataChannelParameters({ label: 'control', ordered: true }), true);
    await client.start(5000);
    await until(() => channel.readyState === 'open');
    const text = 'large '.repeat(10_000);
    channel.send(text);
    for (let count = 0; count < 20; count++) channel.send(`small ${count}`);
    await until(() => heard.length === 21);
    expect(heard[0]).toBe(text);
    expect(heard[20]).toBe('small 19');
    expect(failures).toEqual([]);
    await Promise.all([server.close(), client.stop()]);
  });
});
