/** No input of at most 64 KiB costs more than 20 ms of CPU, by whichever way it comes in. */
import { describe, expect, it } from 'vitest';
import { parseFragment, restartOffer } from '../../signaling/whep/sdp-fragment.ts';
import { negotiate } from '../../src/transport/peer/sdp/negotiation.ts';
import { readOffer } from '../../src/transport/peer/sdp/offer.ts';
import { hasIntegrity, readBindingRequest } from '../../src/transport/peer/ice/stun.ts';
import { createPublicKey } from 'node:crypto';
import { provesPossession } from '../../src/transport/peer/dtls/client-proof.ts';
import { readClientHello } from '../../src/transport/peer/dtls/client-messages.ts';
import { FRAME_MAX_BYTES } from '../../src/transport/peer/ice/tcp-frames.ts';
import { cpuMs } from '../support/cpu-cost.ts';
import { decodeMessage, encodeMessage } from '../../src/generation/cluster/wire/envelope.ts';
import { readingSchema, toWorkerSchema } from '../../src/generation/cluster/wire/messages.ts';
import { CLIENT, DtlsPair } from '../support/dtls-pair.ts';
import { oddCertificate } from '../support/odd-certificate.ts';
import { SDP_REPEATS } from './sdp-repeats.ts';
import { data, sack, SctpPeer, chunk } from '../support/sctp-peer.ts';
import { refusing } from './target.ts';

const COST_MAX_MS = 20;

describe('an offer that repeats', () => {
  it.each(SDP_REPEATS)('%s is judged in time', async (_name, sdp) => {
    expect(Buffer.byteLength(sdp)).toBeLessThanOrEqual(64 * 1024);
    for (const codecs of [['VP8', 'H264'], ['H264']] as const) {
      const cost = await cpuMs(() => refusing(() => negotiate(readOffer(sdp), codecs)));
      expect(cost).toBeLessThan(COST_MAX_MS);
    }
  });

  it.each(SDP_REPEATS)('%s makes the offer of an ICE restart in time', async (_name, sdp) => {
    const fragment = parseFragment('a=ice-ufrag:wxyz\r\na=ice-pwd:zyxwvutsrqponmlkjihgfedc\r\n');
    expect(await cpuMs(() => void restartOffer(sdp, fragment))).toBeLessThan(COST_MAX_MS);
  });
});

/** A binding request of 64 KiB: so many attributes of `bytes` bytes, and no integrity. */
function stunOf(type: number, bytes: number): Buffer {
  const attribute = Buffer.alloc(4 + ((bytes + 3) & ~3), ':');
  attribute.writeUInt16BE(type, 0);
  attribute.writeUInt16BE(bytes, 2);
  const count = Math.floor((64 * 1024 - 20) / attribute.length);
  const header = Buffer.alloc(20);
  header.writeUInt16BE(1, 0);
  header.writeUInt16BE(count * attribute.length, 2);
  header.writeUInt32BE(0x2112_a442, 4);
  return Buffer.concat([header, ...Array.from({ length: count }, () => attribute)]);
}

describe('a STUN message', () => {
  it.each([
    ['empty attributes', stunOf(0x7f00, 0)],
    ['one large user name', stunOf(0x0006, 60_000)],
    ['many user names', stunOf(0x0006, 4)],
  ])('of %s is read in time', async (_name, message) => {
    const cost = await cpuMs(() => {
      const request = readBindingRequest(message);
      if (request) hasIntegrity(message, request, 'secret');
    });
    expect(cost).toBeLessThan(COST_MAX_MS);
  });
});

describe('an SCTP packet', () => {
  const many = (count: number, make: (index: number) => Buffer): Buffer[] =>
    Array.from({ length: count }, (_, i) => make(i));

  it.each([
    [
      'gap blocks of 0 to 65,535',
      (peer: SctpPeer) => [
        sack(
          peer.theirTsn - 1,
          many(280, () => Buffer.alloc(0)).map(() => [0, 65_535] as const),
        ),
      ],
    ],
    ['gap blocks of what was never sent', (peer: SctpPeer) => [sack(peer.theirTsn - 1, [[2, 60_000]])]],
    ['holes', (peer: SctpPeer) => many(60, (index) => data(peer.firstTsn + 2 * index + 2, 'x'))],
    ['holes in 64 KiB', (peer: SctpPeer) => many(3_000, (index) => data(peer.firstTsn + 2 * index + 2, 'x'))],
    ['heartbeats in 64 KiB', () => many(15_000, () => chunk(4, 0, Buffer.alloc(0)))],
    ['pieces of no message', (peer: SctpPeer) => many(60, (index) => data(peer.firstTsn + index, 'x', { flags: 4 }))],
  ])('of %s costs little, however often it comes', async (_name, chunks) => {
    const peer = new SctpPeer();
    await peer.establish();
    const cost = await cpuMs(async () => {
      peer.nowUs += 1_000_000;
      await peer.send(...chunks(peer));
    });
    await peer.channel.close();
    expect(cost).toBeLessThan(COST_MAX_MS);
  });
});

describe('a message of a cluster', () => {
  it.each([
    [
      'jobs without end',
      { type: 'alive', gateway: 'g', jobs: Array.from({ length: 20_000 }, (_, index) => `${index}`) },
    ],
    ['deep nesting', JSON.parse('['.repeat(1_000) + ']'.repeat(1_000)) as object],
    ['many fields', Object.fromEntries(Array.from({ length: 9_000 }, (_, index) => [`f${index}`, 1]))],
    ['many words', { type: 'reading', unknownWords: Array.from({ length: 30_000 }, () => ''), fields: {} }],
  ])('with %s is read in time', async (_name, header) => {
    const message = encodeMessage(header);
    const cost = await cpuMs(() => {
      refusing(() => void decodeMessage(message, toWorkerSchema));
      refusing(() => void decodeMessage(message, readingSchema));
    });
    expect(cost).toBeLessThan(COST_MAX_MS);
  });
});

describe('DTLS', () => {
  const hex = (text: string): Buffer => Buffer.from(text, 'hex');
  /** As many of them as the largest datagram holds. */
  const full = (record: Buffer): Buffer =>
    Buffer.concat(Array.from({ length: Math.floor(FRAME_MAX_BYTES / record.length) }, () => record));
  /** Fragments of one byte of the client's Certificate, each apart from the next. */
  const crumbs = (start: number): Buffer => {
    const fragments = Array.from({ length: 150 }, (_, i) => {
      const fragment = hex('0b00400000010000000000010f'.padEnd(26, '0'));
      fragment.writeUIntBE((start + 2 * i) % 16_384, 6, 3);
      return fragment;
    });
    const body = Buffer.concat(fragments);
    const record = Buffer.concat([hex('16fefd00000000000000050000'), body]);
    record.writeUInt16BE(body.length, 11);
    return record;
  };

  it.each<[string, (count: number) => Buffer]>([
    ['empty records', () => full(hex('16fefd00000000000000090000'))],
    ['hellos of 25 bytes', () => full(hex('16fefd0000000000000009000c010000000000000000000000'))],
    [
      'records under a key of their own',
      () => full(Buffer.concat([hex('17fefd0001000000000100001e'), Buffer.alloc(30, 7)])),
    ],
    ['fragments of a byte', (count) => crumbs(300 * count)],
  ])('costs little for a datagram of %s, before the handshake, within it and after', async (_name, datagram) => {
    const waiting = new DtlsPair(() => []);
    const halfway = new DtlsPair((_sent, direction) => (direction === 'toServer' ? [5] : []));
    halfway.client.start();
    halfway.time.advance(10);
    const live = new DtlsPair().connect();
    for (const { session, time } of [waiting, halfway, live]) {
      let count = 0;
      const cost = await cpuMs(() => {
        time.advance(2_000);
        for (let repeat = 0; repeat < 10; repeat++) session.receive(datagram(count++), time.nowUs());
      });
      expect(cost).toBeLessThan(COST_MAX_MS);
      session.close();
    }
  });

  it('costs little for a hello of thousands of extensions', async () => {
    const start = hex(`fefd${'01'.repeat(32)}00000002c02b0100`);
    const list = Buffer.concat(Array.from({ length: 16_000 }, (_, i) => Buffer.from([i >> 8, i & 0xff, 0, 0])));
    const size = Buffer.from([list.length >> 8, list.length & 0xff]);
    expect(await cpuMs(() => void readClientHello(Buffer.concat([start, size, list])))).toBeLessThan(COST_MAX_MS);
  });

  it('costs little for a certificate whose RSA key has 16,384 bits, or an exponent as long', async () => {
    const n = Buffer.alloc(2_048, 0xf7).toString('base64url');
    for (const e of ['AQAB', n]) {
      const der = oddCertificate(createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' }));
      const proof = { scheme: 0x0401, bytes: Buffer.alloc(2_048, 1) };
      expect(await cpuMs(() => void provesPossession(proof, [CLIENT.der], der))).toBeLessThan(COST_MAX_MS);
    }
  });
});
