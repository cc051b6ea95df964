/** SCTP packets of a peer that completed DTLS, against a live association: what the guard lets through, werift must stand. */
import { CHUNK } from '../../src/transport/peer/sctp/packet.ts';
import { chunk, data, packetOf, sack, SctpPeer, u16, u32, withChecksum } from '../support/sctp-peer.ts';
import type { FuzzTarget } from './target.ts';

/** One packet in so many keeps the checksum and tag that the mutation gave it. */
const RAW_EVERY = 16;
/** Answers to one packet: four chunks that ask for one, and a SACK. */
const ANSWERS_MAX = 6;
/** Packets of ours are at most that large. */
const ANSWER_MAX_BYTES = 1_200;

const FIRST_TSN = new SctpPeer().firstTsn;
const RESET = Buffer.concat([u16(13, 18), u32(1, 1, 1), u16(0)]);
const INIT = Buffer.concat([
  u32(7, 100_000),
  u16(10, 10),
  u32(FIRST_TSN),
  u16(0x8008, 6),
  Buffer.from([192, 130, 0, 0]),
]);
const OPEN = Buffer.concat([Buffer.from([3, 0, 0, 0]), u32(0), u16(7, 0), Buffer.from('control')]);

/** One of each kind of chunk, alone and together. */
const SEEDS = [
  [data(FIRST_TSN, 'hello')],
  [data(FIRST_TSN + 2, 'x'), data(FIRST_TSN + 4, 'y'), data(FIRST_TSN, 'z')],
  [chunk(CHUNK.data, 3, Buffer.concat([u32(FIRST_TSN), u16(0, 0), u32(50), OPEN]))],
  [chunk(CHUNK.init, 0, INIT)],
  [
    sack(
      0,
      [
        [2, 3],
        [5, 9],
      ],
      2,
    ),
  ],
  [chunk(CHUNK.heartbeat, 0, Buffer.concat([u16(1, 8), u32(9)]))],
  [chunk(CHUNK.heartbeatAck, 0, Buffer.concat([u16(1, 8), u32(9)]))],
  [chunk(CHUNK.abort, 0, Buffer.concat([u16(12, 8), Buffer.from('bye!')]))],
  [chunk(CHUNK.error, 0, Buffer.concat([u16(9, 8), u32(FIRST_TSN)]))],
  [chunk(CHUNK.shutdown, 0, u32(FIRST_TSN))],
  [chunk(CHUNK.shutdownAck, 0, Buffer.alloc(0)), chunk(CHUNK.shutdownComplete, 0, Buffer.alloc(0))],
  [chunk(CHUNK.cookieEcho, 0, Buffer.alloc(24)), data(FIRST_TSN + 1, 'x')],
  [chunk(CHUNK.reconfig, 0, Buffer.concat([RESET, Buffer.alloc(2), u16(17, 12), u32(2), u16(1, 0)]))],
  [chunk(CHUNK.forwardTsn, 0, Buffer.concat([u32(FIRST_TSN + 3), u16(0, 1)])), data(FIRST_TSN + 5, 'x')],
].map((chunks) => packetOf(1, ...chunks));

export function sctpTarget(): FuzzTarget {
  let peer: SctpPeer | undefined;
  let count = 0;
  return {
    name: 'sctp',
    seeds: SEEDS,
    costMaxMs: 20,
    run: async (input) => {
      count += 1;
      if (peer === undefined) {
        peer = new SctpPeer();
        await peer.establish();
      }
      peer.answers.length = 0;
      // The budget is not what is tried here.
      peer.nowUs += 100_000;
      const packet = Buffer.from(input);
      if (packet.length >= 16 && count % RAW_EVERY !== 0) {
        packet.writeUInt32BE(packet[12] === CHUNK.init ? 0 : peer.tag, 4);
        // A SACK of numbers that were never sent is refused at once: let it be about those that were.
        if (packet[12] === CHUNK.sack && packet.length >= 20)
          packet.writeUInt32BE(peer.theirTsn + (packet[19]! % 4) - 2, 16);
        withChecksum(packet);
      }
      await peer.deliver(packet);
      const { answers, failures, channel } = peer;
      if (answers.length > ANSWERS_MAX || answers.some(({ length }) => length > ANSWER_MAX_BYTES))
        throw new Error(`${answers.length} answers to one packet`);
      if (failures.length === 0) return;
      peer = undefined;
      await channel.close();
    },
    close: () => peer?.channel.close(),
  };
}
