/** Attacks on the media port by who has a session: what one viewer's packets may hold up, grow, or have sent elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CHUNK } from '../../src/transport/peer/sctp/packet.ts';
import { Attacker, CountedSocket } from './attacker.ts';
import { most, OFFER, UNLIMITED, type SecurityFigure } from './figures.ts';
import { chunk, data, sack, u16 } from './sctp-packet.ts';
import { Target } from './target.ts';
import { post } from './viewer.ts';

/** Longest delay of the event loop that one viewer may cause. */
const BLOCKED_MAX_MS = 50;
const MEMORY_MAX_MIB = 10;
/** Before an address has answered (RFC 9000 section 8.1 has the same for QUIC). */
const AMPLIFICATION_MAX = 3;
/** Five times the chunks that an association has a budget for in as many seconds. */
const HOLES = 5_000;
const ROUNDS = 50;
const EMPTY = Buffer.alloc(0);

/** What holds for the service after any of them. */
async function standing(attack: string, target: Target, rssMiB: number): Promise<SecurityFigure[]> {
  const { loopBlockedMs } = await target.vitals();
  const after = await target.settled();
  return [
    most(attack, 'event loop blocked at most', loopBlockedMs, BLOCKED_MAX_MS, 'ms'),
    most(attack, 'more memory', after.rssMiB - rssMiB, MEMORY_MAX_MIB, 'MiB'),
    most(attack, 'crashes, and rejections that nobody caught', after.unhandled + (target.alive ? 0 : 1), 0, ''),
  ];
}

/** The attack once before it is measured: code is compiled, and memory has its working size. @returns MiB resident */
async function warm(target: Target, attack: () => Promise<void>): Promise<number> {
  await attack();
  const { rssMiB } = await target.settled();
  await target.vitals();
  return rssMiB;
}

export async function sctpLengths(): Promise<SecurityFigure[]> {
  await using target = await Target.start(UNLIMITED);
  const parameter = u16(1, 0);
  const lies = [
    ...Object.values(CHUNK).map((type) => chunk(type, 0, EMPTY, 0)),
    ...[CHUNK.heartbeat, CHUNK.abort, CHUNK.error, CHUNK.reconfig].map((type) => chunk(type, 0, parameter)),
  ];
  const attack = async (): Promise<void> => {
    for (const lie of lies) {
      await using attacker = await Attacker.join(target);
      await attacker.connect();
      attacker.sendSctp(lie);
    }
  };
  const rssMiB = await warm(target, attack);
  await attack();
  return await standing('SCTP chunks and parameters of length 0', target, rssMiB);
}

export async function sctpGaps(): Promise<SecurityFigure[]> {
  const attack = 'SCTP: wide gap blocks, and TSNs with holes';
  await using target = await Target.start(UNLIMITED);
  const wide = Array.from({ length: 280 }, () => [0, 65_535] as const);
  let [sentBytes, heardBytes] = [0, 0];
  const run = async (): Promise<void> => {
    for (let count = 0; count < 3; count++) {
      await using attacker = await Attacker.join(target);
      await attacker.connect();
      attacker.sendSctp(sack(attacker.theirTsn - 1, wide));
    }
    await using attacker = await Attacker.join(target);
    await attacker.connect();
    await sleep(500);
    const before = { sent: attacker.path.sentBytes, heard: attacker.path.heardBytes };
    for (let hole = 1; hole <= HOLES; hole++) {
      attacker.sendSctp(data(attacker.firstTsn + 2 * hole, 'x'.repeat(500)));
      if (hole % 20 === 0) await sleep(10);
    }
    await sleep(200);
    sentBytes += attacker.path.sentBytes - before.sent;
    heardBytes += attacker.path.heardBytes - before.heard;
  };
  const rssMiB = await warm(target, run);
  await run();
  return [
    most(attack, 'bytes out for each byte in, video among them', heardBytes / sentBytes, AMPLIFICATION_MAX, ''),
    ...(await standing(attack, target, rssMiB)),
  ];
}

/** Says of so many packets that none has come, in 30 bytes. */
function claim(ssrc: number, packets: number): Buffer {
  const runs = Array.from({ length: Math.ceil(packets / 0x1fff) }, () => 0x1fff);
  const body = Buffer.concat([u16(0, 1, ssrc >>> 16, ssrc & 0xffff, 0, packets, 0, 0), u16(...runs)]);
  const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
  return Buffer.concat([Buffer.from([0x8f, 205]), u16(padded.length / 4), padded]);
}

export async function feedbackClaims(): Promise<SecurityFigure[]> {
  const attack = 'transport-wide feedback of 65,535 packets, over and over';
  await using target = await Target.start(UNLIMITED);
  await using attacker = await Attacker.join(target);
  await attacker.connect();
  await sleep(1_000);
  const one = claim(attacker.ssrc, 65_535);
  const run = async (): Promise<void> => {
    for (const bytes of [1_180, 60_000]) {
      const compound = Buffer.concat(Array.from({ length: Math.floor(bytes / one.length) }, () => one));
      for (let count = 0; count < 20; count++) {
        attacker.sendRtcp(compound);
        await sleep(20);
      }
    }
  };
  const rssMiB = await warm(target, run);
  await run();
  return await standing(attack, target, rssMiB);
}

export async function repeatingOffers(): Promise<SecurityFigure[]> {
  const attack = 'offers that repeat a payload type beside a long fmtp';
  await using target = await Target.start(UNLIMITED);
  const media = /^m=video .*$/m.exec(OFFER)?.[0] ?? '';
  const section = (extra: string): string => `${OFFER.trimEnd()}\r\n${extra}\r\n`;
  const offers = [
    OFFER.replace(media, `${media}${' 108'.repeat(7_000)}`).replaceAll('VP8', 'XX') +
      `a=fmtp:108 ${'a=b;'.repeat(7_000)}\r\n`,
    OFFER.replace(media, `${media}${' 96'.repeat(7_000)}`),
    section(Array.from({ length: 700 }, () => `a=fmtp:108 ${'a;'.repeat(30)}`).join('\r\n')),
  ];
  const run = async (): Promise<void> => {
    for (let round = 0; round < ROUNDS; round++) {
      for (const sdp of offers) {
        const response = await post(target, sdp);
        await response.text();
        if (response.status === 201) throw new Error('an offer of no client was answered');
      }
    }
  };
  const rssMiB = await warm(target, run);
  await run();
  return await standing(attack, target, rssMiB);
}

export async function forgedChecks(): Promise<SecurityFigure[]> {
  const attack = 'checks forged from a silent third party, one a second';
  await using target = await Target.start(UNLIMITED);
  await using attacker = await Attacker.join(target);
  await attacker.connect();
  await sleep(1_000);
  const victim = await CountedSocket.open(target.mediaPort);
  for (let count = 0; count < 10; count++) {
    victim.send(attacker.check());
    await sleep(1_000);
  }
  victim.socket.close();
  return [most(attack, 'bytes to them for each byte in', victim.heardBytes / victim.sentBytes, AMPLIFICATION_MAX, '')];
}

export async function dtlsResends(): Promise<SecurityFigure[]> {
  const attack = '1,000 records of 25 bytes that ask for the DTLS flight again';
  await using target = await Target.start(UNLIMITED);
  await using attacker = await Attacker.join(target);
  // From an address that never answers: the hello alone, and then no more than its first bytes.
  const silent = await CountedSocket.open(target.mediaPort);
  silent.send(attacker.check());
  await sleep(50);
  silent.send(attacker.hello());
  await sleep(50);
  for (let count = 0; count < 1_000; count++) {
    const record = Buffer.from('16fefd0000000000000000000c010000000000000000000000', 'hex');
    record.writeUInt32BE(count + 1, 7);
    silent.send(record);
    if (count % 50 === 0) await sleep(5);
  }
  await sleep(1_500);
  silent.socket.close();
  return [most(attack, 'bytes out for each byte in', silent.heardBytes / silent.sentBytes, AMPLIFICATION_MAX, '')];
}
