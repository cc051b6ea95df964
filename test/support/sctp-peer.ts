/** A peer that speaks SCTP to a `ControlChannel` in memory, chunk by chunk, so that it can say what no peer would. */
import { init, packetOf, readInitAck } from '../../bench/security/sctp-packet.ts';
import { ControlChannel } from '../../src/transport/peer/control-channel.ts';

export { chunk, data, packetOf, sack, u16, u32, withChecksum } from '../../bench/security/sctp-packet.ts';

const TAG = 0x1234_5678;
const FIRST_TSN = 1_000;

export class SctpPeer {
  readonly channel: ControlChannel;
  /** Packets of the channel, in order. */
  readonly answers: Buffer[] = [];
  readonly failures: unknown[] = [];
  nowUs = 0;
  /** Verification tag of the channel; 0 before `establish`. */
  tag = 0;
  /** TSN of the channel's first DATA. */
  theirTsn = 0;
  readonly firstTsn = FIRST_TSN;

  constructor() {
    this.channel = new ControlChannel(async (packet) => void this.answers.push(packet), 5000);
    this.channel.events.on('failed', (error) => this.failures.push(error));
  }

  /** INIT and COOKIE ECHO, and what the channel answers. */
  async establish(): Promise<void> {
    await this.deliver(packetOf(0, init(TAG, FIRST_TSN)));
    const { tag, firstTsn, cookieEcho } = readInitAck(this.answers.at(-1)!);
    this.tag = tag;
    this.theirTsn = firstTsn;
    await this.send(cookieEcho);
  }

  send(...chunks: readonly Buffer[]): Promise<boolean> {
    return this.deliver(packetOf(this.tag, ...chunks));
  }

  /** Resolves when the association is done with the packet; false when it was refused before. */
  async deliver(packet: Buffer): Promise<boolean> {
    const taken = this.channel.receive(packet, this.nowUs);
    await new Promise((resolve) => setImmediate(resolve));
    return taken;
  }
}
